#include <algorithm>
#include <cmath>

#include "attention_stretch.h"

namespace {

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

// sums[q][d] = sum over j of scores[q][j] values[j][d], for VECTORS vectors from d on.
template <int QUERIES, int VECTORS>
inline void weigh_columns(float (*scores)[STRETCH], const Stretch& s, int64_t d) {
    vec sums[QUERIES][VECTORS];
    for (auto& row : sums)
        for (vec& one : row) one = zero();
    for (int64_t j = 0; j < s.lengths[0]; j++) {
        vec weight[QUERIES];
        for (int q = 0; q < QUERIES; q++) weight[q] = broadcast(scores[q][j]);
        for (int v = 0; v < VECTORS; v++) {
            vec value = load(s.values + j * s.head_dim + d + v * LANES);
            for (int q = 0; q < QUERIES; q++) sums[q][v] = fma(weight[q], value, sums[q][v]);
        }
    }
    for (int q = 0; q < QUERIES; q++)
        for (int v = 0; v < VECTORS; v++) store(s.states[q].sums + d + v * LANES, sums[q][v]);
}

template <int QUERIES>
void attend(const Stretch& s) {
    alignas(64) float scores[QUERIES][STRETCH];
    const float scale = 1.0f / std::sqrt(float(s.head_dim));
    score<QUERIES>(s.queries[0], s.keys, s.lengths[0], s.head_dim, scale, scores);
    for (int q = 0; q < QUERIES; q++) soften(scores[q], s.lengths[0], s.states[q]);
    constexpr int VECTORS = QUERIES == 4 ? 2 : 4;
    int64_t d = 0;
    for (; d + VECTORS * LANES <= s.head_dim; d += VECTORS * LANES)
        weigh_columns<QUERIES, VECTORS>(scores, s, d);
    for (; d < s.head_dim; d += LANES) weigh_columns<QUERIES, 1>(scores, s, d);
}

}  // namespace

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

void attend_by_vectors(const Stretch& stretch) {
    switch (stretch.count) {
        case 1: return attend<1>(stretch);
        case 2: return attend<2>(stretch);
        case 3: return attend<3>(stretch);
        default: return attend<4>(stretch);
    }
}
