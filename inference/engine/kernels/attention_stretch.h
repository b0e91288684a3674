// What is gathered for queries of one key head over one stretch of its keys.
#pragma once

#include "cache.h"

// Keys that are scored before their values are added up, and that rows share. (With 256 long rows
// are 8 % faster, but less of a prefix is shared.)
constexpr int64_t STRETCH = 128;
constexpr int MOST_QUERIES = 16;

// What a query has gathered so far: the largest score, the sum of e^(score - largest), and the
// values weighted with those (Milakov and Gimelshein 2018; Dao et al. 2022).
struct State {
    float* sums;  // [head_dim], then `peak` and `mass`
    int64_t size;
    float& peak() const { return sums[size]; }
    float& mass() const { return sums[size + 1]; }
};

inline int64_t state_size(int64_t head_dim) { return head_dim + 2; }

struct Stretch {
    const bfloat16* keys;  // the stretch's first; how they lie: cache.h
    const bfloat16* values;
    int64_t head_dim;
    int count;  // queries
    const float* queries[MOST_QUERIES];
    int64_t lengths[MOST_QUERIES];  // keys that each sees, from the first on; not falling
    State states[MOST_QUERIES];     // where what each gathers goes, if it sees any
};

// Turns scores into e^(score - largest), and notes the largest and the sum. `scores` has room for
// a whole vector more; what is behind `count` in the last one becomes zero.
void soften(float* scores, int64_t count, State state);

// By vectors: queries of one row, at most four, that follow each other in memory.
constexpr int MOST_BY_VECTORS = 4;
void attend_by_vectors(const Stretch& stretch);

// By matrix tiles (tiles.h), where heads_fit_tiles().
void attend_by_tiles(const Stretch& stretch);
void begin_tiles();  // before the first, in each thread
void end_tiles();
