// Products of matrices in the tiles of Intel's AMX.
//
// A tile is a register of up to 16 rows of 64 bytes. One instruction adds to 16 x 16 sums in
// float32 the product of 16 rows of 32 inputs with 16 columns of weights that lie in pairs
// (k, k + 1): half a panel of linear.h. Of a row's 32 products the even ones are summed, and the
// odd ones, and both are added to the sum; numbers too small to be normal count as zero. Rows do
// not see each other, so that a row's bits are the same in any company.
#pragma once

#include "simd.h"

#if defined(__AMX_BF16__)

constexpr int64_t TILE_ROWS = 16;
constexpr int64_t TILE_INPUTS = 32;
constexpr int64_t TILE_COLUMNS = LANES;

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
    static void add(const bfloat16* x, int64_t stride, const bfloat16* weights, int64_t inputs) {
        const bfloat16* others = x + TILE_ROWS * stride;
        settle_memory();
        for (int64_t k = 0; k < inputs; k += TILE_INPUTS, weights += STEP) {
            // While many rows are multiplied the next weights can come; few rows wait for memory
            // anyway. (32 rows 20.3 against 17.8 ms a step, one row 13 against 15.)
            if constexpr (BOTH)
                for (int64_t i = 0; i < STEP; i += 64 / int64_t(sizeof *weights))
                    prefetch(weights + STEP + i);
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

// Four tiles of sums, 0 to 3: `count` of them are used, each with what the caller loads for it.
template <int COUNT>
struct FourTiles {
    static_assert(COUNT == 1 || COUNT == 2 || COUNT == 4);

    static void clear() {
        _tile_zero(0);
        if constexpr (COUNT > 1) _tile_zero(1);
        if constexpr (COUNT > 2) {
            _tile_zero(2);
            _tile_zero(3);
        }
    }

    // sums[t] += left[t] right: `left` tiles lie `apart` items after each other.
    static void add_left(const bfloat16* left, int64_t apart, int64_t stride,
                         const bfloat16* right) {
        settle_memory();
        _tile_loadd(4, right, 64);
        _tile_loadd(5, left, stride * 2);
        _tile_dpbf16ps(0, 5, 4);
        if constexpr (COUNT > 1) {
            _tile_loadd(6, left + apart, stride * 2);
            _tile_dpbf16ps(1, 6, 4);
        }
        if constexpr (COUNT > 2) {
            _tile_loadd(5, left + 2 * apart, stride * 2);
            _tile_dpbf16ps(2, 5, 4);
            _tile_loadd(6, left + 3 * apart, stride * 2);
            _tile_dpbf16ps(3, 6, 4);
        }
    }

    // sums[t] += left right[t]: the `right` tiles follow each other in rows of COUNT tiles.
    static void add_right(const bfloat16* left, int64_t stride, const bfloat16* right) {
        settle_memory();
        _tile_loadd(4, left, stride * 2);
        _tile_loadd(5, right, COUNT * 64);
        _tile_dpbf16ps(0, 4, 5);
        if constexpr (COUNT > 1) {
            _tile_loadd(6, right + 32, COUNT * 64);
            _tile_dpbf16ps(1, 4, 6);
        }
        if constexpr (COUNT > 2) {
            _tile_loadd(5, right + 64, COUNT * 64);
            _tile_dpbf16ps(2, 4, 5);
            _tile_loadd(6, right + 96, COUNT * 64);
            _tile_dpbf16ps(3, 4, 6);
        }
    }

    // The sums [COUNT][TILE_ROWS][TILE_COLUMNS].
    static void store(float* to) {
        constexpr int64_t SIZE = TILE_ROWS * TILE_COLUMNS;
        _tile_stored(0, to, 64);
        if constexpr (COUNT > 1) _tile_stored(1, to + SIZE, 64);
        if constexpr (COUNT > 2) {
            _tile_stored(2, to + 2 * SIZE, 64);
            _tile_stored(3, to + 3 * SIZE, 64);
        }
    }
};

// Every TILE_COLUMNS-th float: a column of sums.
inline vec column(const float* from) {
    const __m512i rows = _mm512_mullo_epi32(
        _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
        _mm512_set1_epi32(int(TILE_COLUMNS)));
    return _mm512_i32gather_ps(rows, from, 4);
}

// Rows a and b of 32 items become pairs (a, b); a row that is null is zeros.
inline void pair_rows(const bfloat16* a, const bfloat16* b, bfloat16* to) {
    __m512i first = a ? _mm512_loadu_si512(a) : _mm512_setzero_si512();
    __m512i second = b ? _mm512_loadu_si512(b) : _mm512_setzero_si512();
    for (int half = 0; half < 2; half++) {
        __m256i x = half ? _mm512_extracti64x4_epi64(first, 1) : _mm512_castsi512_si256(first);
        __m256i y = half ? _mm512_extracti64x4_epi64(second, 1) : _mm512_castsi512_si256(second);
        __m512i low = _mm512_cvtepu16_epi32(x);
        __m512i high = _mm512_slli_epi32(_mm512_cvtepu16_epi32(y), 16);
        _mm512_storeu_si512(to + half * 32, _mm512_or_si512(low, high));
    }
}

#endif
