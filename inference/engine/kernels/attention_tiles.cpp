#include <algorithm>
#include <cmath>

#include "attention_stretch.h"
#include "tiles.h"

#if defined(__AMX_BF16__)

namespace {

constexpr int64_t TILE_SIZE = TILE_ROWS * TILE_COLUMNS;
constexpr int64_t SCORED = 4 * TILE_ROWS;    // keys scored at once
constexpr int64_t WEIGHED = 4 * TILE_COLUMNS;  // dimensions of values added up at once

static_assert(MOST_QUERIES == TILE_COLUMNS && STRETCH % SCORED == 0);

// What a thread works in.
struct alignas(64) Memory {
    // The queries side by side as pairs of dimensions: [head_dim / 2][MOST_QUERIES][2].
    bfloat16 queries[MAX_HEAD_DIM * MOST_QUERIES];
    bfloat16 keys[TILE_ROWS * MAX_HEAD_DIM];  // the last ones, where they do not fill a tile
    float scores[MOST_QUERIES][STRETCH];
    bfloat16 weights[MOST_QUERIES][STRETCH];  // e^(score - largest)
    bfloat16 values[TILE_INPUTS * WEIGHED];   // as pairs of keys: [keys / 2][WEIGHED][2]
    float sums[4 * TILE_SIZE];
};

void lay_out_queries(const Stretch& s, Memory& m) {
    std::fill_n(m.queries, s.head_dim * MOST_QUERIES, bfloat16{0});
    bfloat16 row[MAX_HEAD_DIM];
    for (int q = 0; q < s.count; q++) {
        for (int64_t d = 0; d < s.head_dim; d += LANES) store(row + d, load(s.queries[q] + d));
        for (int64_t d = 0; d < s.head_dim; d++)
            m.queries[(d / 2 * MOST_QUERIES + q) * 2 + d % 2] = row[d];
    }
}

// scores[q][first + j] = scale * query q . key j, for COUNT tiles of keys.
template <int COUNT>
void score(const Stretch& s, const bfloat16* keys, int64_t first, Memory& m) {
    FourTiles<COUNT>::clear();
    for (int64_t d = 0; d < s.head_dim; d += TILE_INPUTS)
        FourTiles<COUNT>::add_left(keys + d, TILE_ROWS * s.head_dim, s.head_dim,
                                   m.queries + d * MOST_QUERIES);
    FourTiles<COUNT>::store(m.sums);
    vec scale = broadcast(1.0f / std::sqrt(float(s.head_dim)));
    for (int tile = 0; tile < COUNT; tile++)
        for (int q = 0; q < s.count; q++)
            store(m.scores[q] + first + tile * TILE_ROWS,
                  multiply(column(m.sums + tile * TILE_SIZE + q), scale));
}

// All keys that any query sees. Those behind them may be another's, or nobody's memory.
void score_all(const Stretch& s, int64_t count, Memory& m) {
    int64_t j = 0, size = s.head_dim;
    for (; j + SCORED <= count; j += SCORED) score<4>(s, s.keys + j * size, j, m);
    for (; j + TILE_ROWS <= count; j += TILE_ROWS) score<1>(s, s.keys + j * size, j, m);
    if (j == count) return;
    std::copy_n(s.keys + j * size, (count - j) * size, m.keys);
    score<1>(s, m.keys, j, m);
}

// What a query does not see weighs nothing; `count` keys fill whole tiles.
void weigh(const Stretch& s, int64_t count, Memory& m) {
    for (int q = 0; q < s.count; q++) {
        int64_t seen = s.lengths[q], filled = (seen + LANES - 1) / LANES * LANES;
        soften(m.scores[q], seen, s.states[q]);
        for (int64_t j = 0; j < filled; j += LANES)
            store(m.weights[q] + j, load(m.scores[q] + j));
        std::fill(m.weights[q] + filled, m.weights[q] + count, bfloat16{0});
    }
}

// Values of TILE_INPUTS keys from j on, as pairs; behind `count` they are zeros.
template <int TILES>
void pair_values(const Stretch& s, int64_t j, int64_t count, int64_t d, Memory& m) {
    auto row = [&](int64_t key) {
        return key < count ? s.values + key * s.head_dim + d : nullptr;
    };
    bfloat16* to = m.values;
    for (int64_t key = j; key < j + TILE_INPUTS; key += 2)
        for (int64_t part = 0; part < TILES * TILE_COLUMNS; part += 32, to += 64) {
            const bfloat16 *first = row(key), *second = row(key + 1);
            pair_rows(first ? first + part : nullptr, second ? second + part : nullptr, to);
        }
}

// states[q].sums[d...] = sum over j of weights[q][j] values[j][d...], for TILES tiles.
template <int TILES>
void add_values(const Stretch& s, int64_t count, int64_t d, Memory& m) {
    FourTiles<TILES>::clear();
    for (int64_t j = 0; j < count; j += TILE_INPUTS) {
        pair_values<TILES>(s, j, count, d, m);
        FourTiles<TILES>::add_right(m.weights[0] + j, STRETCH, m.values);
    }
    FourTiles<TILES>::store(m.sums);
    for (int q = 0; q < s.count; q++)
        for (int tile = 0; tile < TILES; tile++)
            store(s.states[q].sums + d + tile * TILE_COLUMNS,
                  load(m.sums + tile * TILE_SIZE + q * TILE_COLUMNS));
}

}  // namespace

bool heads_fit_tiles(int64_t head_dim) { return head_dim % TILE_INPUTS == 0; }

void begin_tiles() { size_all_tiles(); }

void end_tiles() { free_tiles(); }

void attend_by_tiles(const Stretch& s) {
    static thread_local Memory m;
    int64_t count = s.lengths[s.count - 1], d = 0;
    lay_out_queries(s, m);
    score_all(s, count, m);
    weigh(s, (count + TILE_INPUTS - 1) / TILE_INPUTS * TILE_INPUTS, m);
    for (; d + WEIGHED <= s.head_dim; d += WEIGHED) add_values<4>(s, count, d, m);
    for (; d < s.head_dim; d += TILE_INPUTS) add_values<2>(s, count, d, m);
}

#else

bool heads_fit_tiles(int64_t) { return false; }

void begin_tiles() {}

void end_tiles() {}

void attend_by_tiles(const Stretch&) {}

#endif
