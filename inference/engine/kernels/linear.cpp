#include "linear.h"

#include <algorithm>
#include <cmath>

namespace {

// What one thread takes at a time: two panels, and enough rows to be worth reading them.
constexpr int64_t WIDTH = 2 * PANEL;
constexpr int64_t ROW_BLOCK = 48;
// Rows whose sums stay in the registers: for one panel, and for two at a time, which keeps more
// sums in flight where rows are few. (Six rows of 8 lanes fit on paper; GCC 12 spills two sums
// then and loses a quarter.)
constexpr int MAX_ROWS = LANES == 16 ? 12 : 5;
constexpr int WIDE_ROWS = LANES == 16 ? 4 : 2;
// Inputs worked through before the next rows come, if there are more than MAX_ROWS: a panel's
// weights for them stay in the first-level cache.
constexpr int64_t DEPTH = 512;

static_assert(DEPTH % GROUP == 0);

template <class Weight>
struct Tile {
    const activation* x;  // the first row, at the first input
    int64_t x_stride;
    const Weight* weights;  // the first panel, at the first input
    int64_t panel_stride;
    const float* scales;    // of int8: the first panel's, at the first input
    int64_t scales_stride;  // from panel to panel
    int64_t depth;          // inputs
    float* y;               // sums so far in, sums out
    int64_t y_stride;

    float* sum_at(int r, int p, int half) const {
        return y + r * y_stride + p * PANEL + half * LANES;
    }
};

template <int ROWS, int PANELS>
using Sums = vec[ROWS][PANELS][2];

// sums[r][c] += sum of x[r][k] W[c][k], k from `begin` to `end`.
template <class Weight, int ROWS, int PANELS>
[[gnu::always_inline]] inline void accumulate(const Tile<Weight>& tile, int64_t begin, int64_t end,
                                              Sums<ROWS, PANELS>& sums) {
    auto weights_at = [&](int64_t k, int p) {
        return tile.weights + p * tile.panel_stride + k * PANEL;
    };
    for (int64_t k = begin; k < end; k += 2) {
        // Few rows wait for memory: ask for the next pair of panels now. The processor's own
        // prefetching stops at each page. (21 against 23 GB/s on one core.)
        if constexpr (PANELS == 2)
            for (int p = 0; p < PANELS; p++) prefetch(weights_at(k, PANELS + p));
        for (int part = 0; part < PARTS; part++) {
            factor columns[PANELS][2];
            for (int p = 0; p < PANELS; p++)
                for (int half = 0; half < 2; half++)
                    columns[p][half] = column_factor(weights_at(k, p), half, part);
            for (int r = 0; r < ROWS; r++) {
                factor row = row_factor(tile.x + r * tile.x_stride + k, part);
                for (int p = 0; p < PANELS; p++)
                    for (int half = 0; half < 2; half++)
                        sums[r][p][half] = multiply_add(columns[p][half], row, sums[r][p][half]);
            }
        }
    }
}

template <int ROWS, int PANELS, class Work>
[[gnu::always_inline]] inline void for_each_sum(Work work) {
    for (int r = 0; r < ROWS; r++)
        for (int p = 0; p < PANELS; p++)
            for (int half = 0; half < 2; half++) work(r, p, half);
}

// y[r][c] += sum over k of x[r][k] W[c][k], k from first to last, for ROWS rows and PANELS panels.
// Not inlined: by itself it gets all the registers.
template <int ROWS, int PANELS>
[[gnu::noinline]] void multiply_tile(const Tile<bfloat16>& tile) {
    Sums<ROWS, PANELS> sums;
    for_each_sum<ROWS, PANELS>(
        [&](int r, int p, int half) { sums[r][p][half] = load(tile.sum_at(r, p, half)); });
    accumulate<bfloat16, ROWS, PANELS>(tile, 0, tile.depth, sums);
    for_each_sum<ROWS, PANELS>(
        [&](int r, int p, int half) { store(tile.sum_at(r, p, half), sums[r][p][half]); });
}

// The same, group by group: y += scale * sum over the group of x q.
template <int ROWS, int PANELS>
[[gnu::noinline]] void multiply_tile(const Tile<int8_t>& tile) {
    const float* scales = tile.scales;
    for (int64_t k = 0; k < tile.depth; k += GROUP, scales += PANEL) {
        Sums<ROWS, PANELS> sums;
        for_each_sum<ROWS, PANELS>([&](int r, int p, int half) { sums[r][p][half] = zero(); });
        accumulate<int8_t, ROWS, PANELS>(tile, k, std::min(k + GROUP, tile.depth), sums);
        for_each_sum<ROWS, PANELS>([&](int r, int p, int half) {
            vec scale = load(scales + p * tile.scales_stride + half * LANES);
            float* y = tile.sum_at(r, p, half);
            store(y, fma(sums[r][p][half], scale, load(y)));
        });
    }
}

template <int ROWS, class Weight>
void multiply_rows(Tile<Weight> tile) {
    if constexpr (ROWS <= WIDE_ROWS) return multiply_tile<ROWS, 2>(tile);
    multiply_tile<ROWS, 1>(tile);
    tile.weights += tile.panel_stride;
    tile.scales += tile.scales_stride;
    tile.y += PANEL;
    multiply_tile<ROWS, 1>(tile);
}

// Calls multiply_rows<rows>; 1 <= rows <= ROWS.
template <int ROWS, class Weight>
void multiply_some(const Tile<Weight>& tile, int64_t rows) {
    if constexpr (ROWS > 1) {
        if (rows < ROWS) return multiply_some<ROWS - 1>(tile, rows);
    }
    multiply_rows<ROWS>(tile);
}

// All rows, in portions as equal as can be.
template <class Weight>
void multiply_all(Tile<Weight> tile, int64_t rows) {
    for (int64_t portions = (rows + MAX_ROWS - 1) / MAX_ROWS; portions > 0; portions--) {
        int64_t count = (rows + portions - 1) / portions;
        multiply_some<MAX_ROWS>(tile, count);
        tile.x += count * tile.x_stride;
        tile.y += count * tile.y_stride;
        rows -= count;
    }
}

// Where q of a panel's column c and input i lies; `panel` is its first row of PANEL.
int64_t int8_place(int64_t panel, int64_t i, int64_t c) {
    if (PAIRED) return (panel + i / 2 * 2) * PANEL + 2 * c + i % 2;
    return (panel + i) * PANEL + c;
}

void begin(const Linear& layer, int64_t column, int64_t columns, float* y, int64_t rows) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            y[r * layer.outputs + c] = layer.bias ? layer.bias[column + c] : 0.0f;
}

void add_bias(const Linear& layer, int64_t column, int64_t columns, float* y, int64_t rows) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) y[r * layer.outputs + c] += layer.bias[column + c];
}

void copy(const float* from, int64_t from_stride, float* to, int64_t to_stride, int64_t rows,
          int64_t columns) {
    for (int64_t r = 0; r < rows; r++)
        std::copy_n(from + r * from_stride, columns, to + r * to_stride);
}

// Two panels, from `column` on, for at most ROW_BLOCK rows.
template <class Weight>
void multiply_block(const Linear& layer, int64_t column, Strided<const activation> x,
                    int64_t rows, float* y) {
    int64_t columns = std::min(WIDTH, layer.outputs - column);
    bool whole = columns == WIDTH;
    float edge[ROW_BLOCK * WIDTH];  // stands for y where the panels are wider than what is left
    if (!whole) {
        std::fill_n(edge, rows * WIDTH, 0.0f);
        copy(y, layer.outputs, edge, WIDTH, rows, columns);
    }
    int64_t depth = rows > MAX_ROWS ? DEPTH : layer.inputs;
    for (int64_t k = 0; k < layer.inputs; k += depth) {
        const Weight* weights = static_cast<const Weight*>(layer.weights);
        const float* scales = layer.scales;
        int64_t scales_stride = scales ? groups(layer.inputs) * PANEL : 0;
        if (scales) scales += column / PANEL * scales_stride + k / GROUP * PANEL;
        Tile<Weight> tile{x.items + k,
                          x.stride,
                          weights + column * layer.inputs + k * PANEL,
                          layer.inputs * PANEL,
                          scales,
                          scales_stride,
                          std::min(depth, layer.inputs - k),
                          whole ? y : edge,
                          whole ? layer.outputs : WIDTH};
        multiply_all(tile, rows);
    }
    if (!whole) copy(edge, WIDTH, y, layer.outputs, rows, columns);
}

}  // namespace

void linear(const Linear& layer, Strided<const activation> x, int64_t rows, float* y, Onto onto) {
    int64_t blocks = (rows + ROW_BLOCK - 1) / ROW_BLOCK;
#pragma omp for schedule(static)
    for (int64_t task = 0; task < panels(layer.outputs) / 2 * blocks; task++) {
        int64_t column = task / blocks * WIDTH, first = task % blocks * ROW_BLOCK;
        int64_t count = std::min(ROW_BLOCK, rows - first);
        int64_t columns = std::min(WIDTH, layer.outputs - column);
        float* corner = y + first * layer.outputs + column;
        if (onto == Onto::nothing)
            begin(layer, column, columns, corner, count);
        else if (layer.bias)
            add_bias(layer, column, columns, corner, count);
        Strided<const activation> from{x.row(first), x.stride};
        if (layer.scales)
            multiply_block<int8_t>(layer, column, from, count, corner);
        else
            multiply_block<bfloat16>(layer, column, from, count, corner);
    }
}

extern "C" {

// Lays out W [outputs, inputs], row by row in bfloat16, as `Linear` wants it.
void pack_linear(const bfloat16* from, int64_t outputs, int64_t inputs, bfloat16* to,
                 int threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t panel = 0; panel < panels(outputs); panel++)
        for (int64_t k = 0; k < inputs; k++)
            for (int64_t c = 0; c < PANEL; c++) {
                int64_t output = panel * PANEL + c;
                bfloat16 weight = output < outputs ? from[output * inputs + k] : bfloat16{0};
                to[(panel * inputs + k / 2 * 2) * PANEL + 2 * c + k % 2] = weight;
            }
}

// The number of weights that pack_linear and pack_int8 write.
int64_t packed_size(int64_t outputs, int64_t inputs) { return panels(outputs) * PANEL * inputs; }

// Rounds W [outputs, inputs] to int8 and lays it out. `to` holds packed_size weights, `scales`
// packed_scales of them. The largest weight of a group becomes 127 or -127.
void pack_int8(const float* from, int64_t outputs, int64_t inputs, int8_t* to, float* scales,
               int threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t panel = 0; panel < panels(outputs); panel++)
        for (int64_t k = 0; k < inputs; k += GROUP)
            for (int64_t c = 0; c < PANEL; c++) {
                int64_t output = panel * PANEL + c, end = std::min(k + GROUP, inputs);
                const float* row = output < outputs ? from + output * inputs : nullptr;
                float largest = 0, poison = 0;  // NaN, where one of the weights is no number
                for (int64_t i = k; row && i < end; i++) {
                    largest = std::max(largest, std::abs(row[i]));
                    poison += 0 * row[i];
                }
                float scale = largest / 127 + poison;
                scales[(panel * groups(inputs) + k / GROUP) * PANEL + c] = scale;
                for (int64_t i = k; i < end; i++) {
                    float q = row && scale > 0 ? std::nearbyint(row[i] / scale) : 0.0f;
                    to[int8_place(panel * inputs, i, c)] = int8_t(std::clamp(q, -127.0f, 127.0f));
                }
            }
}

int64_t packed_scales(int64_t outputs, int64_t inputs) {
    return panels(outputs) * PANEL * groups(inputs);
}

}
