// y = W x + b for many rows x: weights in bfloat16 or in int8, sums in float32.
#pragma once

#include "simd.h"

constexpr int PANEL = 2 * LANES;  // outputs whose weights lie together

// W [outputs, inputs] cut into panels of outputs, each laid out [inputs / 2][PANEL][2] so that a
// panel is read from front to back. `inputs` is even; the last panel is filled up with zeros.
//
// In int8 a weight is q * scale, with a scale for each output and GROUP inputs and q from -127 to
// 127 (Dettmers and Zettlemoyer 2023 compare such groups). A panel's scales are
// [groups(inputs)][PANEL]; its q lie like bfloat16 where pairs are multiplied at once, and
// [inputs][PANEL] elsewhere.
struct Linear {
    const void* weights;  // bfloat16, or int8_t if there are scales
    const float* scales;  // or null
    const float* bias;    // [outputs] or null
    int64_t outputs;
    int64_t inputs;
};

constexpr int64_t GROUP = 64;  // inputs

inline int64_t groups(int64_t inputs) { return (inputs + GROUP - 1) / GROUP; }

enum class Onto { nothing, itself };  // `itself`: the product is added to what is there

// Rows of activations: [count, size], each beginning `stride` after the one before.
template <class Item>
struct Strided {
    Item* items;
    int64_t stride;

    Item* row(int64_t r) const { return items + r * stride; }
};

// A stride for rows of `size`: an odd number of cache lines. Several rows are read at once, and
// where they lie a multiple of many lines apart they drive each other out of the first-level cache
// (rows of 512: 63 against 101 GFLOP/s).
inline int64_t row_stride(int64_t size) {
    constexpr int64_t LINE = 64 / sizeof(activation);
    return ((size + LINE - 1) / LINE | 1) * LINE;
}

// y [rows, outputs] = x [rows, inputs] W' + b. Called by every thread of a parallel region; all
// of y is written when it returns. Each sum runs over the inputs from first to last in float32,
// whatever `rows` is: the same row gives the same bits in any company. In int8 each group is
// summed by itself, and then the groups' sums, each times its scale, from first to last.
void linear(const Linear& layer, Strided<const activation> x, int64_t rows, float* y, Onto onto);

// to [rows, outputs / 2] = silu(g) u (SwiGLU, Shazeer 2020), where the layer's outputs are LANES
// of g and LANES of u in turn: both halves of a panel. `scratch` is [rows, outputs].
void gated_linear(const Linear& layer, Strided<const activation> x, int64_t rows,
                  Strided<activation> to, float* scratch);

// The number of panels: even, since a few rows are multiplied with two panels at a time.
inline int64_t panels(int64_t outputs) { return (outputs + 2 * PANEL - 1) / (2 * PANEL) * 2; }
