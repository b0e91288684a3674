// Keys and values of all slots, and how they lie in memory.
#pragma once

#include "simd.h"

constexpr int64_t MAX_HEAD_DIM = 512;

// One layer's keys and values, each [slots, kv_heads, context, head_dim] in size. Every
// `positions_together(head_dim)` positions are a block; blocks follow each other.
//
// For tiles (tiles.h) 16 keys lie as pairs of dimensions, [head_dim / 2][16][2], and values as
// pairs of keys, [2 positions][head_dim][2]: the order in which a tile is multiplied, so that
// nothing has to be turned when it is read, again and again, but once when it is written. A block
// is 32 positions then. Elsewhere a block is one position, [head_dim].
struct Cache {
    bfloat16* keys;
    bfloat16* values;
    int64_t kv_heads;
    int64_t context;   // a multiple of positions_together()
    int64_t head_dim;  // a multiple of LANES

    // The first item of a block, of keys or of values.
    int64_t at(int64_t slot, int64_t head, int64_t position) const {
        return ((slot * kv_heads + head) * context + position) * head_dim;
    }
};

// Whether heads of this size lie, and are worked on, as tiles.
bool heads_fit_tiles(int64_t head_dim);

extern "C" int64_t positions_together(int64_t head_dim);

// `state` [head_dim] becomes the key or the value of a position. Different positions may be
// written by different threads at once.
void write_key(const Cache& cache, int64_t slot, int64_t head, int64_t position,
               const float* state);
void write_value(const Cache& cache, int64_t slot, int64_t head, int64_t position,
                 const float* state);
