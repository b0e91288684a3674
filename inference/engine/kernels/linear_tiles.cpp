#include "linear_tiles.h"

#include <algorithm>

#include "linear_block.h"
#include "rows.h"
#include "tiles.h"

#if defined(__AMX_BF16__)

namespace {

constexpr int64_t MOST_ROWS = 2 * TILE_ROWS;

static_assert(PANEL == 2 * TILE_COLUMNS && GROUP % TILE_INPUTS == 0);

// Rows that are multiplied with one panel.
struct Task {
    const Linear& layer;
    int64_t column;  // the panel's first
    int64_t row, rows;
    Strided<const bfloat16> x;  // those rows
    Ahead ahead;                // what comes from memory meanwhile

    template <class Weight>
    const Weight* weights() const {
        return static_cast<const Weight*>(layer.weights) + column * layer.inputs;
    }
    const float* scales() const { return layer.scales + column * groups(layer.inputs); }
};

// A single block of rows multiplies weights soon after they were asked for. Of several blocks each
// asks for its part of the next panel. (128 rows 20 against 26 ms a step.)
Ahead ahead_of(const Linear& layer, int64_t column, int64_t block, int64_t blocks) {
    constexpr int64_t STEPS = 4;  // (one row 8.5 against 8.8 ms a step with 1)
    const int64_t row = layer.scales ? PANEL : 2 * PANEL, step = TILE_INPUTS * row;  // bytes
    const char* weights = static_cast<const char*>(layer.weights);
    const char* panel = weights + column / PANEL * layer.inputs * row;
    if (blocks == 1) return {panel + STEPS * step, step};
    const int64_t part = (step / blocks + LINE - 1) / LINE * LINE;
    return {panel + layer.inputs * row + block * layer.inputs / TILE_INPUTS * part, part};
}

// y += x W', or y = x W' if it is `fresh`, in bfloat16.
template <bool BOTH>
void multiply_bfloat16(const Task& task, Strided<float> y, bool fresh) {
    using Sums = TileSums<BOTH>;
    Ahead ahead = task.ahead;
    fresh ? Sums::clear() : Sums::load(y.items, y.stride);
    Sums::add(task.x.items, task.x.stride, task.weights<bfloat16>(), task.layer.inputs, ahead);
    Sums::store(y.items, y.stride);
}

// The bfloat16 that int8 weights are, exactly.
void widen(const int8_t* from, int64_t inputs, bfloat16* to) {
    for (int64_t i = 0; i < inputs * PANEL; i += 2 * LANES) {
        factor pairs = column_factor(from + i, 0, 0);
        _mm512_storeu_si512(to + i, (__m512i)pairs);
    }
}

// y += scale * sums, `scales` of one panel's columns.
void add_scaled(const float* sums, const float* scales, int64_t rows, Strided<float> y) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < PANEL; c += LANES) {
            float* to = y.row(r) + c;
            store(to, fma(load(sums + r * PANEL + c), load(scales + c), load(to)));
        }
}

// The same in int8, group by group.
template <bool BOTH>
void multiply_int8(const Task& task, Strided<float> y, bool fresh) {
    using Sums = TileSums<BOTH>;
    const int8_t* weights = task.weights<int8_t>();
    const float* scales = task.scales();
    Ahead ahead = task.ahead;
    alignas(64) bfloat16 widened[GROUP * PANEL];
    alignas(64) float sums[MOST_ROWS * PANEL];
    for (int64_t r = 0; fresh && r < task.rows; r++) std::fill_n(y.row(r), PANEL, 0.0f);
    for (int64_t k = 0; k < task.layer.inputs; k += GROUP, scales += PANEL) {
        int64_t depth = std::min(GROUP, task.layer.inputs - k);
        widen(weights + k * PANEL, depth, widened);
        Sums::clear();
        Sums::add(task.x.items + k, task.x.stride, widened, depth, ahead);
        Sums::store(sums, PANEL);
        add_scaled(sums, scales, task.rows, y);
    }
}

void multiply(const Task& task, Strided<float> y, bool fresh) {
    const bool both = task.rows > TILE_ROWS;
    if (task.layer.scales)
        both ? multiply_int8<true>(task, y, fresh) : multiply_int8<false>(task, y, fresh);
    else
        both ? multiply_bfloat16<true>(task, y, fresh) : multiply_bfloat16<false>(task, y, fresh);
}

// Calls work(task) for every panel and block of rows, shared out among the threads. Panel by
// panel, so that one serves all its rows while it is in the cache. Guided, so that a thread whose
// core is taken for a while holds up little.
template <class Work>
void for_each_task(const Linear& layer, Strided<const activation> x, int64_t rows, Work work) {
    const int64_t blocks = (rows + MOST_ROWS - 1) / MOST_ROWS;
    const int64_t filled = (layer.outputs + PANEL - 1) / PANEL;  // panels
    int64_t sized = 0;
#pragma omp for schedule(guided)
    for (int64_t i = 0; i < filled * blocks; i++) {
        const int64_t column = i / blocks * PANEL, block = i % blocks, row = block * MOST_ROWS;
        const int64_t count = std::min(MOST_ROWS, rows - row);
        if (count != sized) size_tiles_for_sums(sized = count);
        work(Task{layer, column, row, count, {x.row(row), x.stride},
                  ahead_of(layer, column, block, blocks)});
    }
    free_tiles();
}

}  // namespace

bool fits_tiles(const Linear& layer) { return layer.inputs % TILE_INPUTS == 0; }

void linear_by_tiles(const Linear& layer, Strided<const activation> x, int64_t rows, float* y,
                     Onto onto) {
    for_each_task(layer, x, rows, [&](const Task& task) {
        float* first = y + task.row * layer.outputs;
        const bool whole = task.column + PANEL <= layer.outputs;
        if (whole && !layer.bias && onto == Onto::nothing)
            return multiply(task, {first + task.column, layer.outputs}, true);
        Block<MOST_ROWS, PANEL> block(layer, task.column, first, task.rows, onto);
        multiply(task, block.sums(), false);
        block.finish();
    });
}

void gated_by_tiles(const Linear& layer, Strided<const activation> x, int64_t rows,
                    Strided<activation> to) {
    for_each_task(layer, x, rows, [&](const Task& task) {
        alignas(64) float sums[MOST_ROWS * PANEL];
        for (int64_t r = 0; layer.bias && r < task.rows; r++)
            std::copy_n(layer.bias + task.column, PANEL, sums + r * PANEL);
        multiply(task, {sums, PANEL}, !layer.bias);
        for (int64_t r = 0; r < task.rows; r++)
            gate_row(sums + r * PANEL, LANES, to.row(task.row + r) + task.column / 2);
    });
}

#else

bool fits_tiles(const Linear&) { return false; }

void linear_by_tiles(const Linear&, Strided<const activation>, int64_t, float*, Onto) {}

void gated_by_tiles(const Linear&, Strided<const activation>, int64_t, Strided<activation>) {}

#endif
