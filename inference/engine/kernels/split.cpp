// y = W x + b of float32 numbers on tiles (AMX), which multiply bfloat16.
//
// A float32 is taken for the sum of two bfloat16, `high` and `low`, which keep 16 of its 24 bits,
// and a product for three: high high + high low + low high (Henry, Tang and Heinecke 2019). Sums
// are in float32. Tiles multiply so much faster than vectors that three times is less.
#include <algorithm>
#include <cstdint>

#include "tiles.h"

#if defined(__AMX_BF16__)

namespace {

constexpr int64_t SIDE = TILE_ROWS;  // rows of a tile of x, columns of one of W'
constexpr int64_t DEPTH = TILE_INPUTS;
constexpr int64_t PAIR = 2 * SIDE;  // rows or columns that are multiplied at a time
constexpr int64_t TILE = SIDE * DEPTH;
constexpr int64_t STEP = 4 * TILE;  // high and low of two tiles each: what a multiplication reads
constexpr int64_t ROW_BLOCK = 128;  // rows for which a thread reads a panel of W before the next

int64_t portions(int64_t count, int64_t of) { return (count + of - 1) / of; }

__mmask16 first_lanes(int64_t count) {
    return __mmask16(count >= LANES ? 0xffff : (1u << std::max<int64_t>(0, count)) - 1);
}

// Splits 32 numbers, of which `count` are there; the others are 0.
void split(const float* from, int64_t count, bfloat16* high, bfloat16* low) {
    vec a = _mm512_maskz_loadu_ps(first_lanes(count), from);
    vec b = _mm512_maskz_loadu_ps(first_lanes(count - LANES), from + LANES);
    __m512i halves = (__m512i)_mm512_cvtne2ps_pbh(b, a);
    auto widened = [&](__m256i part) {
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(part), 16));
    };
    a = subtract(a, widened(_mm512_castsi512_si256(halves)));
    b = subtract(b, widened(_mm512_extracti64x4_epi64(halves, 1)));
    _mm512_storeu_si512(high, halves);
    _mm512_storeu_si512(low, (__m512i)_mm512_cvtne2ps_pbh(b, a));
}

// Lays out 32 rows of x, of which `count` are there, as [inputs / 32][high 2, low 2][16][32].
void split_strip(const float* x, int64_t count, int64_t inputs, bfloat16* to) {
    for (int64_t r = 0; r < PAIR; r++)
        for (int64_t k = 0; k < inputs; k += DEPTH) {
            bfloat16* high = to + k / DEPTH * STEP + r / SIDE * TILE + r % SIDE * DEPTH;
            int64_t left = r < count ? inputs - k : 0;
            split(r < count ? x + r * inputs + k : x, left, high, high + 2 * TILE);
        }
}

// sums [32][32] = the strip's rows times the panel's columns; with ROWS of 1 the first 16 rows.
template <int ROWS>
void multiply(const bfloat16* strip, const bfloat16* panel, int64_t steps, float* sums) {
    _tile_zero(0);
    _tile_zero(1);
    if constexpr (ROWS == 2) {
        _tile_zero(2);
        _tile_zero(3);
    }
#define PRODUCTS                                   \
    _tile_dpbf16ps(0, 4, 6);                       \
    _tile_dpbf16ps(1, 4, 7);                       \
    if constexpr (ROWS == 2) {                     \
        _tile_dpbf16ps(2, 5, 6);                   \
        _tile_dpbf16ps(3, 5, 7);                   \
    }
    settle_memory();
    for (int64_t n = 0; n < steps; n++, strip += STEP, panel += STEP) {
        _tile_loadd(6, panel, 64);
        _tile_loadd(7, panel + TILE, 64);
        _tile_loadd(4, strip + 2 * TILE, 64);
        if constexpr (ROWS == 2) _tile_loadd(5, strip + 3 * TILE, 64);
        PRODUCTS  // low high
        _tile_loadd(4, strip, 64);
        if constexpr (ROWS == 2) _tile_loadd(5, strip + TILE, 64);
        PRODUCTS  // high high
        _tile_loadd(6, panel + 2 * TILE, 64);
        _tile_loadd(7, panel + 3 * TILE, 64);
        PRODUCTS  // high low
    }
#undef PRODUCTS
    _tile_stored(0, sums, PAIR * sizeof(float));
    _tile_stored(1, sums + SIDE, PAIR * sizeof(float));
    if constexpr (ROWS == 2) {
        _tile_stored(2, sums + SIDE * PAIR, PAIR * sizeof(float));
        _tile_stored(3, sums + SIDE * PAIR + SIDE, PAIR * sizeof(float));
    }
}

// Writes `rows` rows of `columns` sums.
void finish(const float* sums, const float* bias, int64_t rows, int64_t columns, float* y,
            int64_t stride) {
    for (int64_t c = 0; c < columns; c += LANES) {
        __mmask16 mask = first_lanes(columns - c);
        vec added = bias ? _mm512_maskz_loadu_ps(mask, bias + c) : zero();
        for (int64_t r = 0; r < rows; r++) {
            vec sum = add(load(sums + r * PAIR + c), added);
            _mm512_mask_storeu_ps(y + r * stride + c, mask, sum);
        }
    }
}

struct SplitWeight {
    const bfloat16* panels;
    const float* bias;  // or null
    int64_t outputs, inputs;
};

// One panel of columns for the rows from `first` on, at most ROW_BLOCK of them.
void multiply_panel(const SplitWeight& w, int64_t panel, const bfloat16* strips, int64_t first,
                    int64_t rows, float* y) {
    alignas(64) float sums[PAIR * PAIR];
    int64_t steps = portions(w.inputs, DEPTH), column = panel * PAIR;
    int64_t columns = std::min(PAIR, w.outputs - column);
    int64_t end = std::min(first + ROW_BLOCK, rows);
    for (int64_t row = first; row < end; row += PAIR) {
        int64_t count = std::min(PAIR, end - row);
        const bfloat16* strip = strips + row / PAIR * steps * STEP;
        const bfloat16* weights = w.panels + panel * steps * STEP;
        if (count > SIDE)
            multiply<2>(strip, weights, steps, sums);
        else
            multiply<1>(strip, weights, steps, sums);
        finish(sums, w.bias ? w.bias + column : nullptr, count, columns,
               y + row * w.outputs + column, w.outputs);
    }
}

}  // namespace

extern "C" {

// Whether the functions below do anything.
int multiplies_split() { return 1; }

// The number of bfloat16 that a matrix of so many rows takes, W or x, when it is split.
int64_t split_size(int64_t rows, int64_t inputs) {
    return portions(rows, PAIR) * portions(inputs, DEPTH) * STEP;
}

// Lays out W [outputs, inputs] in panels of 32 outputs: [inputs / 32][high 2, low 2][16][16][2].
void pack_split(const float* from, int64_t outputs, int64_t inputs, bfloat16* to, int threads) {
    int64_t steps = portions(inputs, DEPTH);
#pragma omp parallel for num_threads(threads)
    for (int64_t c = 0; c < portions(outputs, PAIR) * PAIR; c++)
        for (int64_t n = 0; n < steps; n++) {
            bfloat16 high[DEPTH], low[DEPTH];
            int64_t left = c < outputs ? inputs - n * DEPTH : 0;
            split(left > 0 ? from + c * inputs + n * DEPTH : from, left, high, low);
            bfloat16* tile = to + (c / PAIR * steps + n) * STEP + c % PAIR / SIDE * TILE;
            for (int64_t k = 0; k < DEPTH; k++) {
                int64_t place = k / 2 * DEPTH + c % SIDE * 2 + k % 2;
                tile[place] = high[k];
                tile[2 * TILE + place] = low[k];
            }
        }
}

// y [rows, outputs] = x [rows, inputs] W' + b. `scratch` has room for split_size(rows, inputs). A
// row gives the same bits in any company.
void apply_split(const bfloat16* weights, const float* bias, int64_t outputs, int64_t inputs,
                 const float* x, int64_t rows, bfloat16* scratch, float* y, int threads) {
    SplitWeight w{weights, bias, outputs, inputs};
    int64_t strip = split_size(1, inputs);
    int64_t panels = portions(outputs, PAIR), blocks = portions(rows, ROW_BLOCK);
#pragma omp parallel num_threads(threads)
    {
        size_all_tiles();
#pragma omp for schedule(static)
        for (int64_t row = 0; row < rows; row += PAIR)
            split_strip(x + row * inputs, std::min(PAIR, rows - row), inputs,
                        scratch + row / PAIR * strip);
#pragma omp for schedule(static)
        for (int64_t task = 0; task < blocks * panels; task++)
            multiply_panel(w, task % panels, scratch, task / panels * ROW_BLOCK, rows, y);
        free_tiles();
    }
}

}

#else

extern "C" {
int multiplies_split() { return 0; }
int64_t split_size(int64_t, int64_t) { return 0; }
void pack_split(const float*, int64_t, int64_t, bfloat16*, int) {}
void apply_split(const bfloat16*, const float*, int64_t, int64_t, const float*, int64_t, bfloat16*,
                 float*, int) {}
}

#endif
