// Attention of many rows, each over its own slot and its own length.
#pragma once

#include "linear.h"

constexpr int64_t MAX_HEAD_DIM = 512;

// One layer's keys and values, each [slots, kv_heads, context, head_dim].
struct Cache {
    bfloat16* keys;
    bfloat16* values;
    int64_t kv_heads;
    int64_t context;
    int64_t head_dim;  // a multiple of LANES

    int64_t at(int64_t slot, int64_t head, int64_t position) const {
        return ((slot * kv_heads + head) * context + position) * head_dim;
    }
};

// The rows of a forward: each writes one token's keys and values and looks back from there.
struct Rows {
    const int64_t* slots;
    const int64_t* positions;
    int64_t count;
};

// to [rows, heads, head_dim] = softmax(q k' / sqrt(head_dim)) v over positions 0 to the row's own.
// A row of queries is [heads, head_dim]. Called by every thread of a parallel region. `scratch` holds attention_scratch() floats, shared by the threads.
//
// A row's keys are taken in stretches of fixed length, counted from position 0, and the stretches
// are put together from first to last: a row's bits do not depend on the other rows, on how many
// threads there are, or on how its prompt was cut.
void attend(const Cache& cache, Strided<const float> queries, int64_t heads, Rows rows,
            Strided<activation> to, float* scratch);

int64_t attention_scratch(const Cache& cache, int64_t heads, Rows rows, int threads);
