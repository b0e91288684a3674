#include "linear.h"

#include <algorithm>

#include "linear_block.h"
#include "linear_tiles.h"
#include "rows.h"

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

// Two panels, from `column` on, for at most ROW_BLOCK rows.
template <class Weight>
void multiply_panels(const Linear& layer, int64_t column, Strided<const activation> x,
                     int64_t rows, Strided<float> y) {
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
                          y.items,
                          y.stride};
        multiply_all(tile, rows);
    }
}

}  // namespace

void linear(const Linear& layer, Strided<const activation> x, int64_t rows, float* y, Onto onto) {
    if (fits_tiles(layer)) return linear_by_tiles(layer, x, rows, y, onto);
    int64_t blocks = (rows + ROW_BLOCK - 1) / ROW_BLOCK;
#pragma omp for schedule(static)
    for (int64_t task = 0; task < panels(layer.outputs) / 2 * blocks; task++) {
        int64_t column = task / blocks * WIDTH, first = task % blocks * ROW_BLOCK;
        int64_t count = std::min(ROW_BLOCK, rows - first);
        Block<ROW_BLOCK, WIDTH> block(layer, column, y + first * layer.outputs, count, onto);
        Strided<const activation> from{x.row(first), x.stride};
        if (layer.scales)
            multiply_panels<int8_t>(layer, column, from, count, block.sums());
        else
            multiply_panels<bfloat16>(layer, column, from, count, block.sums());
        block.finish();
    }
}

void gated_linear(const Linear& layer, Strided<const activation> x, int64_t rows,
                  Strided<activation> to, float* scratch) {
    if (fits_tiles(layer)) return gated_by_tiles(layer, x, rows, to);
    linear(layer, x, rows, scratch, Onto::nothing);
#pragma omp for
    for (int64_t r = 0; r < rows; r++)
        gate_row(scratch + r * layer.outputs, layer.outputs / 2, to.row(r));
}
