#include <algorithm>
#include <cmath>

#include "attention_stretch.h"
#include "tiles.h"

#if defined(__AMX_BF16__)

namespace {

constexpr int64_t SCORED = 4 * TILE_COLUMNS;   // keys scored at once
constexpr int64_t WEIGHED = 4 * TILE_COLUMNS;  // dimensions of values added up at once

static_assert(MOST_QUERIES == TILE_ROWS && STRETCH % SCORED == 0);

// What a thread works in.
struct alignas(64) Memory {
    bfloat16 queries[MOST_QUERIES * MAX_HEAD_DIM];  // times the scale of scores
    float scores[MOST_QUERIES][STRETCH];
    bfloat16 weights[MOST_QUERIES][STRETCH];   // e^(score - largest)
    bfloat16 values[TILE_INPUTS * MAX_HEAD_DIM];  // the last ones, where they do not fill a tile
    float sums[MOST_QUERIES][WEIGHED];
};

// For so many queries; what it costs is saved where it was for as many before.
thread_local int sized_for = 0;

void size_for(int queries) {
    if (queries == sized_for) return;
    size_tiles_for_products(queries);
    sized_for = queries;
}

void scale_queries(const Stretch& s, Memory& m) {
    vec scale = broadcast(1.0f / std::sqrt(float(s.head_dim)));
    for (int q = 0; q < s.count; q++)
        for (int64_t d = 0; d < s.head_dim; d += LANES)
            store(m.queries + q * s.head_dim + d, multiply(load(s.queries[q] + d), scale));
}

// scores[q][j...] = query q . key, for COUNT tiles of keys.
template <int COUNT>
void score(const Stretch& s, int64_t j, Memory& m) {
    using Products = TileProducts<COUNT>;
    const bfloat16* keys = s.keys + j * s.head_dim;
    Products::clear();
    for (int64_t d = 0; d < s.head_dim; d += TILE_INPUTS)
        Products::add(m.queries + d, s.head_dim, keys + d * TILE_COLUMNS,
                      TILE_COLUMNS * s.head_dim, 2 * TILE_COLUMNS);
    Products::store(m.scores[0] + j, STRETCH);
}

// `count` fills whole tiles. What lies behind what a query sees may be anything.
void score_all(const Stretch& s, int64_t count, Memory& m) {
    int64_t j = 0;
    for (; j + SCORED <= count; j += SCORED) score<4>(s, j, m);
    for (; j < count; j += 2 * TILE_COLUMNS) score<2>(s, j, m);
}

// What a query does not see weighs nothing.
void weigh(float* scores, int64_t seen, int64_t count, State state, bfloat16* weights) {
    int64_t filled = (seen + LANES - 1) / LANES * LANES;
    soften(scores, seen, state);
    for (int64_t j = 0; j < filled; j += LANES) store(weights + j, load(scores + j));
    std::fill(weights + filled, weights + count, bfloat16{0});
}

// The last values as they are up to `seen`, and zeros behind, since 0 * NaN is NaN.
const bfloat16* clean_values(const bfloat16* values, int64_t seen, int64_t size, Memory& m) {
    constexpr int64_t PAIRS = 2 * TILE_COLUMNS, TILE = TILE_INPUTS * TILE_COLUMNS;
    std::fill_n(m.values, TILE_INPUTS * size, bfloat16{0});
    for (int64_t at = 0; at < TILE_INPUTS * size; at += TILE) {
        int64_t whole = seen / 2 * PAIRS;
        std::copy_n(values + at, whole, m.values + at);
        for (int64_t i = whole; seen % 2 && i < whole + PAIRS; i += 2)
            m.values[at + i] = values[at + i];
    }
    return m.values;
}

// states[q].sums[d...] = sum over j of weights[q][j] values[j][d...], for TILES tiles.
template <int TILES>
void add_values(const Stretch& s, int64_t seen, int64_t d, const bfloat16* last, Memory& m) {
    using Products = TileProducts<TILES>;
    Products::clear();
    for (int64_t j = 0; j < seen; j += TILE_INPUTS) {
        const bfloat16* values = j + TILE_INPUTS <= seen ? s.values + j * s.head_dim : last;
        Products::add(m.weights[0] + j, STRETCH, values + d * TILE_INPUTS,
                      TILE_INPUTS * TILE_COLUMNS, 2 * TILE_COLUMNS);
    }
    Products::store(m.sums[0], WEIGHED);
    for (int q = 0; q < s.count; q++)
        for (int64_t i = 0; i < TILES * TILE_COLUMNS; i += LANES)
            store(s.states[q].sums + d + i, load(m.sums[q] + i));
}

}  // namespace

void begin_tiles() { sized_for = 0; }

void end_tiles() { free_tiles(); }

void attend_by_tiles(const Stretch& s) {
    static thread_local Memory m;
    int64_t seen = s.lengths[s.count - 1], whole = seen / TILE_INPUTS * TILE_INPUTS;
    int64_t count = (seen + TILE_INPUTS - 1) / TILE_INPUTS * TILE_INPUTS, d = 0;
    size_for(s.count);
    scale_queries(s, m);
    score_all(s, count, m);
    for (int q = 0; q < s.count; q++)
        weigh(m.scores[q], s.lengths[q], count, s.states[q], m.weights[q]);
    const bfloat16* last = nullptr;
    if (whole < seen)
        last = clean_values(s.values + whole * s.head_dim, seen - whole, s.head_dim, m);
    for (; d + WEIGHED <= s.head_dim; d += WEIGHED) add_values<4>(s, seen, d, last, m);
    for (; d < s.head_dim; d += 2 * TILE_COLUMNS) add_values<2>(s, seen, d, last, m);
}

#else

void begin_tiles() {}

void end_tiles() {}

void attend_by_tiles(const Stretch&) {}

#endif
