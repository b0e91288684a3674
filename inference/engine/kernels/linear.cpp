#include "linear.h"

#include <algorithm>

namespace {

constexpr int PANEL_VECTORS = PANEL / LANES;
// As many accumulators as the registers hold beside the weights and the broadcast inputs.
constexpr int ACCUMULATORS = LANES == 16 ? 24 : 12;
constexpr int MAX_ROWS = LANES == 16 ? 12 : 6;
// Inputs that are worked through before the next rows come: 32 columns of them stay in the
// second-level cache meanwhile, so that memory is read once for all rows.
constexpr int64_t DEPTH = 2048;
// Rows that one thread takes at a time: enough to be worth a panel, few enough to share out.
constexpr int64_t ROW_BLOCK = 48;

struct Tile {
    const activation* x;      // first of the rows, at the block's first input
    int64_t x_stride;
    const bfloat16* weights;  // the panel, at the block's first input
    int64_t depth;            // inputs in the block
    float* y;                 // sums so far in, sums out
    int64_t y_stride;
};

// ROWS x VECTORS accumulators: y[r][c] += sum over k of x[r][k] W[c][k], k from first to last.
template <int ROWS, int VECTORS>
inline void multiply_tile(const Tile& tile, int column) {
    vec sums[ROWS][VECTORS];
    for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < VECTORS; v++)
            sums[r][v] = load(tile.y + r * tile.y_stride + column + v * LANES);
    const bfloat16* weights = tile.weights + 2 * column;
    for (int64_t k = 0; k < tile.depth; k += 2) {
        pairs columns[VECTORS];
        for (int v = 0; v < VECTORS; v++)
            columns[v] = load_pairs(weights + k * PANEL + 2 * v * LANES);
        for (int r = 0; r < ROWS; r++) {
            pairs row = broadcast_pair(tile.x + r * tile.x_stride + k);
            for (int v = 0; v < VECTORS; v++)
                sums[r][v] = multiply_add(columns[v], row, sums[r][v]);
        }
    }
    for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < VECTORS; v++)
            store(tile.y + r * tile.y_stride + column + v * LANES, sums[r][v]);
}

template <int ROWS>
void multiply_rows(const Tile& tile) {
    constexpr int FITTING = std::min(PANEL_VECTORS, std::max(1, ACCUMULATORS / ROWS));
    constexpr int VECTORS = FITTING == 3 ? 2 : FITTING;  // must divide the panel
    for (int column = 0; column < PANEL; column += VECTORS * LANES)
        multiply_tile<ROWS, VECTORS>(tile, column);
}

// Calls multiply_rows<rows>; 1 <= rows <= ROWS.
template <int ROWS>
void multiply_some(const Tile& tile, int64_t rows) {
    if constexpr (ROWS > 1) {
        if (rows < ROWS) return multiply_some<ROWS - 1>(tile, rows);
    }
    multiply_rows<ROWS>(tile);
}

void multiply_panel(Tile tile, int64_t rows) {
    for (int64_t done = 0; done < rows; done += MAX_ROWS) {
        multiply_some<MAX_ROWS>(tile, std::min<int64_t>(MAX_ROWS, rows - done));
        tile.x += MAX_ROWS * tile.x_stride;
        tile.y += MAX_ROWS * tile.y_stride;
    }
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

// One panel for at most ROW_BLOCK rows.
void multiply_block(const Linear& layer, int64_t panel, const activation* x, int64_t rows,
                    float* y) {
    int64_t columns = std::min<int64_t>(PANEL, layer.outputs - panel * PANEL);
    bool whole = columns == PANEL;
    float edge[ROW_BLOCK * PANEL];  // stands for y where the panel is wider than what is left
    if (!whole) {
        std::fill_n(edge, rows * PANEL, 0.0f);
        copy(y, layer.outputs, edge, PANEL, rows, columns);
    }
    for (int64_t k = 0; k < layer.inputs; k += DEPTH) {
        Tile tile{x + k,
                  layer.inputs,
                  layer.weights + (panel * layer.inputs + k) * PANEL,
                  std::min(DEPTH, layer.inputs - k),
                  whole ? y : edge,
                  whole ? layer.outputs : PANEL};
        multiply_panel(tile, rows);
    }
    if (!whole) copy(edge, PANEL, y, layer.outputs, rows, columns);
}

}  // namespace

void linear(const Linear& layer, const activation* x, int64_t rows, float* y, Onto onto) {
    int64_t blocks = (rows + ROW_BLOCK - 1) / ROW_BLOCK;
#pragma omp for schedule(static)
    for (int64_t task = 0; task < panels(layer.outputs) * blocks; task++) {
        int64_t panel = task / blocks, first = task % blocks * ROW_BLOCK;
        int64_t count = std::min(ROW_BLOCK, rows - first);
        int64_t column = panel * PANEL, columns = std::min<int64_t>(PANEL, layer.outputs - column);
        float* corner = y + first * layer.outputs + column;
        if (onto == Onto::nothing)
            begin(layer, column, columns, corner, count);
        else if (layer.bias)
            add_bias(layer, column, columns, corner, count);
        multiply_block(layer, panel, x + first * layer.inputs, count, corner);
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

// The number of bfloat16 that pack_linear writes.
int64_t packed_size(int64_t outputs, int64_t inputs) { return panels(outputs) * PANEL * inputs; }

}
