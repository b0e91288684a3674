// Linears by matrix tiles, where the processor has them.
#pragma once

#include "linear.h"

// Whether a layer's sums are made by tiles: always or never, so that a row's bits do not change.
bool fits_tiles(const Linear& layer);

// What linear() promises, for such a layer.
void linear_by_tiles(const Linear& layer, Strided<const activation> x, int64_t rows, float* y,
                     Onto onto);

// The same for gated_linear().
void gated_by_tiles(const Linear& layer, Strided<const activation> x, int64_t rows,
                    Strided<activation> to);
