// Products of matrices in the tiles of Intel's AMX.
//
// A tile is a register of up to 16 rows of 64 bytes. One instruction adds to 16 x 16 sums in
// float32 the product of 16 rows of 32 inputs with 16 columns of weights that lie in pairs
// (k, k + 1): half a panel of linear.h. Of a row's 32 products the even ones are summed, and the
// odd ones, and both are added to the sum; numbers too small to be normal count as zero. Rows do
// not see each other, so that a row's bits are the same in any company.
#pragma once

#include <initializer_list>

#include "simd.h"

#if defined(__AMX_BF16__)

constexpr int64_t TILE_ROWS = 16;
constexpr int64_t TILE_INPUTS = 32;
constexpr int64_t TILE_COLUMNS = LANES;
constexpr int64_t LINE = 64;  // bytes that come from memory together

// What `ldtilecfg` reads: palette 1, and the size of each of eight tiles (Intel, Software
// Developer's Manual 1, 18.3).
struct alignas(64) TileSizes {
    uint8_t palette = 1;
    uint8_t start_row = 0;
    uint8_t reserved[14] = {};
    uint16_t bytes[16] = {};
    uint8_t rows[16] = {};

    void set(int tile, int64_t count) {
        bytes[tile] = count ? 64 : 0;
        rows[tile] = uint8_t(count);
    }
};

inline void apply_sizes(const TileSizes& sizes) { asm volatile("ldtilecfg %0" ::"m"(sizes)); }

// To be called before the thread does other things: a thread with tiles is dear to switch.
inline void free_tiles() { _tile_release(); }

// The compiler does not know that tiles are loaded from memory.
inline void settle_memory() { asm volatile("" ::: "memory"); }

inline void size_all_tiles() {
    TileSizes sizes;
    for (int tile = 0; tile < 8; tile++) sizes.set(tile, TILE_ROWS);
    apply_sizes(sizes);
}

// Memory to be fetched while products are made.
struct Ahead {
    const char* from;
    int64_t bytes;  // with each TILE_INPUTS inputs; whole lines
};

// Sums of up to TILE_ROWS rows, or of up to twice as many if BOTH, times one panel's columns. Tiles
// 0 and 1 are the sums of the first rows and 2 and 3 of the others; 4 and 5 are inputs of the first
// and the others; 6 and 7 weights.
template <bool BOTH>
struct TileSums {
    static constexpr int64_t STRIDE = 2 * TILE_COLUMNS;      // of weights, from pair to pair
    static constexpr int64_t STEP = TILE_INPUTS * STRIDE;    // of weights, a multiplication's

    static void clear() {
        _tile_zero(0);
        _tile_zero(1);
        if constexpr (BOTH) {
            _tile_zero(2);
            _tile_zero(3);
        }
    }

    static void load(const float* from, int64_t stride) {
        settle_memory();
        _tile_loadd(0, from, stride * 4);
        _tile_loadd(1, from + TILE_COLUMNS, stride * 4);
        if constexpr (BOTH) {
            from += TILE_ROWS * stride;
            _tile_loadd(2, from, stride * 4);
            _tile_loadd(3, from + TILE_COLUMNS, stride * 4);
        }
    }

    static void store(float* to, int64_t stride) {
        _tile_stored(0, to, stride * 4);
        _tile_stored(1, to + TILE_COLUMNS, stride * 4);
        if constexpr (BOTH) {
            to += TILE_ROWS * stride;
            _tile_stored(2, to, stride * 4);
            _tile_stored(3, to + TILE_COLUMNS, stride * 4);
        }
    }

    // Adds x W', `inputs` a multiple of TILE_INPUTS; the weights as a panel's.
    static void add(const bfloat16* x, int64_t stride, const bfloat16* weights, int64_t inputs,
                    Ahead& ahead) {
        const bfloat16* others = x + TILE_ROWS * stride;
        settle_memory();
        for (int64_t k = 0; k < inputs; k += TILE_INPUTS, weights += STEP) {
            for (int64_t i = 0; i < ahead.bytes; i += LINE) prefetch(ahead.from + i);
            ahead.from += ahead.bytes;
            _tile_loadd(6, weights, STRIDE * 4);
            _tile_loadd(4, x + k, stride * 2);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(7, weights + 2 * TILE_COLUMNS, STRIDE * 4);
            _tile_dpbf16ps(1, 4, 7);
            if constexpr (BOTH) {
                _tile_loadd(5, others + k, stride * 2);
                _tile_dpbf16ps(2, 5, 6);
                _tile_dpbf16ps(3, 5, 7);
            }
        }
    }
};

// For `rows` rows, at most TILE_ROWS or, for TileSums<true>, more than that and at most twice.
inline void size_tiles_for_sums(int64_t rows) {
    TileSizes sizes;
    int64_t first = rows < TILE_ROWS ? rows : TILE_ROWS, others = rows - first;
    for (int tile : {0, 1, 4}) sizes.set(tile, first);
    for (int tile : {2, 3, 5}) sizes.set(tile, others);
    for (int tile : {6, 7}) sizes.set(tile, TILE_ROWS);
    apply_sizes(sizes);
}

// Products of up to TILE_ROWS rows with COUNT tiles of columns: the sums are tiles 0 to COUNT - 1.
template <int COUNT>
struct TileProducts {
    static_assert(COUNT == 2 || COUNT == 4);

    static void clear() {
        _tile_zero(0);
        _tile_zero(1);
        if constexpr (COUNT > 2) {
            _tile_zero(2);
            _tile_zero(3);
        }
    }

    // sums[t] += left right[t]: the `right` tiles, of pairs, begin `apart` items after each other.
    static void add(const bfloat16* left, int64_t left_stride, const bfloat16* right,
                    int64_t apart, int64_t right_stride) {
        settle_memory();
        _tile_loadd(4, left, left_stride * 2);
        _tile_loadd(5, right, right_stride * 2);
        _tile_dpbf16ps(0, 4, 5);
        _tile_loadd(6, right + apart, right_stride * 2);
        _tile_dpbf16ps(1, 4, 6);
        if constexpr (COUNT > 2) {
            _tile_loadd(7, right + 2 * apart, right_stride * 2);
            _tile_dpbf16ps(2, 4, 7);
            _tile_loadd(5, right + 3 * apart, right_stride * 2);
            _tile_dpbf16ps(3, 4, 5);
        }
    }

    // The sums beside each other, in rows that begin `stride` after the one before.
    static void store(float* to, int64_t stride) {
        _tile_stored(0, to, stride * 4);
        _tile_stored(1, to + TILE_COLUMNS, stride * 4);
        if constexpr (COUNT > 2) {
            _tile_stored(2, to + 2 * TILE_COLUMNS, stride * 4);
            _tile_stored(3, to + 3 * TILE_COLUMNS, stride * 4);
        }
        settle_memory();
    }
};

inline void size_tiles_for_products(int64_t rows) {
    TileSizes sizes;
    for (int tile : {0, 1, 2, 3, 4}) sizes.set(tile, rows);
    for (int tile : {5, 6, 7}) sizes.set(tile, TILE_ROWS);
    apply_sizes(sizes);
}

#endif
