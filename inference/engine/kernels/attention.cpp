#include "attention.h"

#include <omp.h>

#include <algorithm>
#include <cmath>

namespace {

constexpr int64_t STRETCH = 256;  // keys that are scored before their values are added up
constexpr int MAX_QUERIES = 4;    // of one key head, worked on together
// Fewer tasks than this a thread, and long rows are shared out by stretches.
constexpr int64_t FEW_TASKS = 4;

// What a query has gathered so far: the largest score, the sum of e^(score - largest), and the
// values weighted with those (Milakov and Gimelshein 2018; Dao et al. 2022).
struct State {
    float* sums;  // [head_dim], then `peak` and `mass`
    int64_t size;
    float& peak() const { return sums[size]; }
    float& mass() const { return sums[size + 1]; }
};

int64_t state_size(int64_t head_dim) { return head_dim + 2; }

// scores[q][j] = scale * query q . key j, for KEYS keys.
template <int QUERIES, int KEYS>
inline void score_keys(const float* queries, const bfloat16* keys, int64_t size, float scale,
                       float (*scores)[STRETCH]) {
    vec products[QUERIES][KEYS];
    for (auto& row : products)
        for (vec& product : row) product = zero();
    for (int64_t d = 0; d < size; d += LANES) {
        vec query[QUERIES];
        for (int q = 0; q < QUERIES; q++) query[q] = load(queries + q * size + d);
        for (int j = 0; j < KEYS; j++) {
            vec key = load(keys + j * size + d);
            for (int q = 0; q < QUERIES; q++) products[q][j] = fma(query[q], key, products[q][j]);
        }
    }
    for (int q = 0; q < QUERIES; q++)
        for (int j = 0; j < KEYS; j++) scores[q][j] = scale * sum(products[q][j]);
}

template <int QUERIES>
void score(const float* queries, const bfloat16* keys, int64_t count, int64_t size, float scale,
           float (*scores)[STRETCH]) {
    constexpr int KEYS = QUERIES == 4 ? 3 : 4;  // so that the sums fit in 16 registers
    auto shifted = [&](int64_t j) { return reinterpret_cast<float(*)[STRETCH]>(&scores[0][j]); };
    int64_t j = 0;
    for (; j + KEYS <= count; j += KEYS)
        score_keys<QUERIES, KEYS>(queries, keys + j * size, size, scale, shifted(j));
    for (; j < count; j++)
        score_keys<QUERIES, 1>(queries, keys + j * size, size, scale, shifted(j));
}

// Turn scores into e^(score - largest), and note the largest and the sum.
void soften(float* scores, int64_t count, State state) {
    int64_t filled = (count + LANES - 1) / LANES * LANES;
    std::fill(scores + count, scores + filled, -INFINITY);
    vec peaks = broadcast(-INFINITY);
    for (int64_t j = 0; j < filled; j += LANES) peaks = larger(peaks, load(scores + j));
    state.peak() = largest(peaks);
    for (int64_t j = 0; j < filled; j += LANES)
        store(scores + j, exponential(subtract(load(scores + j), broadcast(state.peak()))));
    std::fill(scores + count, scores + filled, 0.0f);
    vec masses = zero();
    for (int64_t j = 0; j < filled; j += LANES) masses = add(masses, load(scores + j));
    state.mass() = sum(masses);
}

// sums[q][d] = sum over j of scores[q][j] values[j][d], for VECTORS vectors from d on.
template <int QUERIES, int VECTORS>
inline void weigh_columns(float (*scores)[STRETCH], const bfloat16* values, int64_t count,
                          int64_t size, int64_t d, const State* states) {
    vec sums[QUERIES][VECTORS];
    for (auto& row : sums)
        for (vec& one : row) one = zero();
    for (int64_t j = 0; j < count; j++) {
        vec weight[QUERIES];
        for (int q = 0; q < QUERIES; q++) weight[q] = broadcast(scores[q][j]);
        for (int v = 0; v < VECTORS; v++) {
            vec value = load(values + j * size + d + v * LANES);
            for (int q = 0; q < QUERIES; q++) sums[q][v] = fma(weight[q], value, sums[q][v]);
        }
    }
    for (int q = 0; q < QUERIES; q++)
        for (int v = 0; v < VECTORS; v++) store(states[q].sums + d + v * LANES, sums[q][v]);
}

// One stretch for QUERIES queries of a key head: fills their states.
template <int QUERIES>
void attend_stretch(const float* queries, const bfloat16* keys, const bfloat16* values,
                    int64_t count, int64_t size, const State* states) {
    alignas(64) float scores[QUERIES][STRETCH];
    score<QUERIES>(queries, keys, count, size, 1.0f / std::sqrt(float(size)), scores);
    for (int q = 0; q < QUERIES; q++) soften(scores[q], count, states[q]);
    constexpr int VECTORS = QUERIES == 4 ? 2 : 4;
    int64_t d = 0;
    for (; d + VECTORS * LANES <= size; d += VECTORS * LANES)
        weigh_columns<QUERIES, VECTORS>(scores, values, count, size, d, states);
    for (; d < size; d += LANES)
        weigh_columns<QUERIES, 1>(scores, values, count, size, d, states);
}

// Add what a later stretch gathered.
void merge(State state, State later) {
    float peak = std::max(state.peak(), later.peak());
    float ours = std::exp(state.peak() - peak), theirs = std::exp(later.peak() - peak);
    state.peak() = peak;
    state.mass() = state.mass() * ours + later.mass() * theirs;
    for (int64_t d = 0; d < state.size; d += LANES) {
        vec old = multiply(load(state.sums + d), broadcast(ours));
        store(state.sums + d, fma(load(later.sums + d), broadcast(theirs), old));
    }
}

void finish(State state, activation* to) {
    vec share = broadcast(1.0f / state.mass());
    for (int64_t d = 0; d < state.size; d += LANES)
        store(to + d, multiply(load(state.sums + d), share));
}

// The work on one row and one key head, or on one stretch of it.
struct Task {
    const Cache& cache;
    const float* queries;  // the first query of the group
    int64_t group;         // queries that share the key head
    int64_t slot, head, length;

    void stretch(int64_t number, int64_t query, int count, const State* states) const {
        int64_t first = number * STRETCH, keys = std::min(STRETCH, length - first);
        int64_t place = cache.at(slot, head, first);
        const bfloat16 *k = cache.keys + place, *v = cache.values + place;
        const float* q = queries + query * cache.head_dim;
        switch (count) {
            case 1: return attend_stretch<1>(q, k, v, keys, cache.head_dim, states);
            case 2: return attend_stretch<2>(q, k, v, keys, cache.head_dim, states);
            case 3: return attend_stretch<3>(q, k, v, keys, cache.head_dim, states);
            default: return attend_stretch<4>(q, k, v, keys, cache.head_dim, states);
        }
    }

    // Calls work(first query, number of queries) for all of the group.
    template <class Work>
    void by_queries(Work work) const {
        for (int64_t query = 0; query < group; query += MAX_QUERIES)
            work(query, int(std::min<int64_t>(MAX_QUERIES, group - query)));
    }

    void whole(activation* to) const {
        int64_t size = cache.head_dim;
        alignas(64) float memory[2][MAX_QUERIES][MAX_HEAD_DIM + 2];
        by_queries([&](int64_t query, int count) {
            State states[2][MAX_QUERIES];
            for (int part = 0; part < 2; part++)
                for (int q = 0; q < count; q++) states[part][q] = {memory[part][q], size};
            stretch(0, query, count, states[0]);
            for (int64_t number = 1; number * STRETCH < length; number++) {
                stretch(number, query, count, states[1]);
                for (int q = 0; q < count; q++) merge(states[0][q], states[1][q]);
            }
            for (int q = 0; q < count; q++) finish(states[0][q], to + (query + q) * size);
        });
    }
};

int64_t stretches(int64_t length) { return (length + STRETCH - 1) / STRETCH; }

int64_t longest(Rows rows) { return *std::max_element(rows.positions, rows.positions + rows.count) + 1; }

bool by_stretches(const Cache& cache, Rows rows, int threads) {
    return rows.count * cache.kv_heads < FEW_TASKS * threads && longest(rows) > STRETCH;
}

}  // namespace

int64_t attention_scratch(const Cache& cache, int64_t heads, Rows rows, int threads) {
    if (!by_stretches(cache, rows, threads)) return 0;
    return rows.count * heads * stretches(longest(rows)) * state_size(cache.head_dim);
}

void attend(const Cache& cache, Strided<const float> queries, int64_t heads, Rows rows,
            Strided<activation> to, float* scratch) {
    int64_t size = cache.head_dim, group = heads / cache.kv_heads;
    int64_t tasks = rows.count * cache.kv_heads;
    auto task = [&](int64_t row, int64_t head) {
        const float* first = queries.row(row) + head * group * size;
        return Task{cache, first, group, rows.slots[row], head, rows.positions[row] + 1};
    };
    auto place = [&](int64_t row, int64_t head) {
        return to.row(row) + head * group * size;
    };
    if (!by_stretches(cache, rows, omp_get_num_threads())) {
        // Rows of one prompt follow each other, so that their keys are still in the cache.
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < tasks; i++) {
            int64_t head = i / rows.count, row = i % rows.count;
            task(row, head).whole(place(row, head));
        }
        return;
    }
    int64_t most = stretches(longest(rows));
    auto state = [&](int64_t i, int64_t query, int64_t number) {
        return State{scratch + ((i * group + query) * most + number) * state_size(size), size};
    };
#pragma omp for schedule(dynamic)
    for (int64_t i = 0; i < tasks * most; i++) {
        int64_t pair = i / most, number = i % most;
        Task one = task(pair / cache.kv_heads, pair % cache.kv_heads);
        if (number * STRETCH >= one.length) continue;
        one.by_queries([&](int64_t query, int count) {
            State states[MAX_QUERIES];
            for (int q = 0; q < count; q++) states[q] = state(pair, query + q, number);
            one.stretch(number, query, count, states);
        });
    }
#pragma omp for schedule(static)
    for (int64_t i = 0; i < tasks * group; i++) {
        int64_t pair = i / group, query = i % group, row = pair / cache.kv_heads;
        State first = state(pair, query, 0);
        for (int64_t number = 1; number * STRETCH <= rows.positions[row]; number++)
            merge(first, state(pair, query, number));
        finish(first, place(row, pair % cache.kv_heads) + query * size);
    }
}
