// y = W x + b for many rows x: weights in bfloat16, sums in float32.
#pragma once

#include "simd.h"

constexpr int PANEL = 32;  // columns (outputs) that are computed together

// W [outputs, inputs] cut into panels of 32 outputs, each laid out [inputs / 2][32][2] so that a
// panel is read from front to back. `inputs` is even; the last panel is filled up with zeros.
struct Linear {
    const bfloat16* weights;
    const float* bias;  // [outputs] or null
    int64_t outputs;
    int64_t inputs;
};

enum class Onto { nothing, itself };  // `itself`: the product is added to what is there

// y [rows, outputs] = x [rows, inputs] W' + b. Called by every thread of a parallel region; all
// of y is written when it returns. Each sum runs over the inputs from first to last in float32,
// whatever `rows` is: the same row gives the same bits in any company.
void linear(const Linear& layer, const activation* x, int64_t rows, float* y, Onto onto);

inline int64_t panels(int64_t outputs) { return (outputs + PANEL - 1) / PANEL; }
