#include "linear_tiles.h"

#include "linear_block.h"
#include "tiles.h"

#if defined(__AMX_BF16__)

namespace {

constexpr int64_t MOST_ROWS = 2 * TILE_ROWS;

static_assert(PANEL == 2 * TILE_COLUMNS && GROUP % TILE_INPUTS == 0);

template <class Weight>
const Weight* panel_at(const Linear& layer, int64_t column) {
    return static_cast<const Weight*>(layer.weights) + column * layer.inputs;
}

// y += x W' for one panel.
template <bool BOTH>
void multiply(const Linear& layer, int64_t column, Strided<const bfloat16> x, Strided<float> y) {
    using Sums = TileSums<BOTH>;
    Sums::load(y.items, y.stride);
    Sums::add(x.items, x.stride, panel_at<bfloat16>(layer, column), layer.inputs);
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
void multiply_int8(const Linear& layer, int64_t column, Strided<const bfloat16> x, int64_t rows,
                   Strided<float> y) {
    using Sums = TileSums<BOTH>;
    const int8_t* weights = panel_at<int8_t>(layer, column);
    const float* scales = layer.scales + column * groups(layer.inputs);
    alignas(64) bfloat16 widened[GROUP * PANEL];
    alignas(64) float sums[MOST_ROWS * PANEL];
    for (int64_t k = 0; k < layer.inputs; k += GROUP, scales += PANEL) {
        int64_t depth = std::min(GROUP, layer.inputs - k);
        widen(weights + k * PANEL, depth, widened);
        Sums::clear();
        Sums::add(x.items + k, x.stride, widened, depth);
        Sums::store(sums, PANEL);
        add_scaled(sums, scales, rows, y);
    }
}

template <bool BOTH>
void multiply_rows(const Linear& layer, int64_t column, Strided<const bfloat16> x, int64_t rows,
                   Strided<float> y) {
    if (layer.scales)
        multiply_int8<BOTH>(layer, column, x, rows, y);
    else
        multiply<BOTH>(layer, column, x, y);
}

}  // namespace

bool fits_tiles(const Linear& layer) { return layer.inputs % TILE_INPUTS == 0; }

void linear_by_tiles(const Linear& layer, Strided<const activation> x, int64_t rows, float* y,
                     Onto onto) {
    int64_t blocks = (rows + MOST_ROWS - 1) / MOST_ROWS, sized = 0;
    int64_t filled = (layer.outputs + PANEL - 1) / PANEL;  // panels
    // Guided, so that a thread whose core is taken for a while holds up little.
#pragma omp for schedule(guided)
    for (int64_t task = 0; task < filled * blocks; task++) {
        int64_t column = task / blocks * PANEL, first = task % blocks * MOST_ROWS;
        int64_t count = std::min(MOST_ROWS, rows - first);
        if (count != sized) size_tiles_for_sums(sized = count);
        Block<MOST_ROWS, PANEL> block(layer, column, y + first * layer.outputs, count, onto);
        Strided<const bfloat16> from{x.row(first), x.stride};
        if (count > TILE_ROWS)
            multiply_rows<true>(layer, column, from, count, block.sums());
        else
            multiply_rows<false>(layer, column, from, count, block.sums());
        block.finish();
    }
    free_tiles();
}

#else

bool fits_tiles(const Linear&) { return false; }

void linear_by_tiles(const Linear&, Strided<const activation>, int64_t, float*, Onto) {}

#endif
