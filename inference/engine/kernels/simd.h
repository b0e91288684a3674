// Vectors of floats, 8 lanes with AVX2 and 16 with AVX-512. Instructions are named here, in tiles.h
// and in split.cpp, and nowhere else.
//
// Everything is computed in float32; bfloat16 is how weights, keys and values are stored. A
// bfloat16 is the upper half of a float32, so widening is a shift and exact.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

struct bfloat16 {
    uint16_t bits;
};

inline float widen(bfloat16 value) {
    return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(int(uint32_t(value.bits) << 16))));
}

// Round to nearest, ties to even; a NaN stays one.
inline bfloat16 narrow(float value) {
    uint32_t bits = uint32_t(_mm_cvtsi128_si32(_mm_castps_si128(_mm_set_ss(value))));
    if (value != value) return {uint16_t(bits >> 16 | 0x40)};
    return {uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

// Bring the cache line of an address to the second-level cache; any address will do.
inline void prefetch(const void* address) {
    _mm_prefetch(static_cast<const char*>(address), _MM_HINT_T1);
}

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)

constexpr int LANES = 16;
using vec = __m512;

inline vec zero() { return _mm512_setzero_ps(); }
inline vec broadcast(float value) { return _mm512_set1_ps(value); }
inline vec load(const float* from) { return _mm512_loadu_ps(from); }
inline vec load(const bfloat16* from) {
    __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
inline void store(float* to, vec value) { _mm512_storeu_ps(to, value); }
inline void store(bfloat16* to, vec value) {
    __m512i bits = _mm512_castps_si512(value);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i rounded =
        _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    __mmask16 nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
    __m512i chosen = _mm512_mask_blend_epi32(nan, rounded, quiet);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm512_cvtepi32_epi16(_mm512_srli_epi32(chosen, 16)));
}
inline vec add(vec a, vec b) { return _mm512_add_ps(a, b); }
inline vec subtract(vec a, vec b) { return _mm512_sub_ps(a, b); }
inline vec multiply(vec a, vec b) { return _mm512_mul_ps(a, b); }
// 1 / a to about two units in the last place, by Newton's method: a third of a division's time.
inline vec inverse(vec a) {
    vec guess = _mm512_rcp14_ps(a);
    return _mm512_mul_ps(guess, _mm512_fnmadd_ps(a, guess, _mm512_set1_ps(2.0f)));
}
inline vec fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
// Where either is NaN the second is the answer, so that a NaN in it is kept.
inline vec larger(vec a, vec b) { return _mm512_max_ps(a, b); }
inline vec smaller(vec a, vec b) { return _mm512_min_ps(a, b); }
inline vec nearest(vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT); }
// 2 to the power of a whole number between -126 and 127.
inline vec power_of_two(vec whole) {
    __m512i biased = _mm512_add_epi32(_mm512_cvtps_epi32(whole), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(biased, 23));
}
inline float sum(vec a) { return _mm512_reduce_add_ps(a); }
inline float largest(vec a) { return _mm512_reduce_max_ps(a); }

#elif defined(__AVX2__) && defined(__FMA__)

constexpr int LANES = 8;
using vec = __m256;

inline vec zero() { return _mm256_setzero_ps(); }
inline vec broadcast(float value) { return _mm256_set1_ps(value); }
inline vec load(const float* from) { return _mm256_loadu_ps(from); }
inline vec load(const bfloat16* from) {
    __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}
inline void store(float* to, vec value) { _mm256_storeu_ps(to, value); }
inline void store(bfloat16* to, vec value) {
    __m256i bits = _mm256_castps_si256(value);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i rounded =
        _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
    __m256i upper = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
    // Packing works within 128-bit halves; the permutation brings the two results together.
    __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(upper, upper), 0b1000);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(packed));
}
inline vec add(vec a, vec b) { return _mm256_add_ps(a, b); }
inline vec subtract(vec a, vec b) { return _mm256_sub_ps(a, b); }
inline vec multiply(vec a, vec b) { return _mm256_mul_ps(a, b); }
inline vec inverse(vec a) { return _mm256_div_ps(_mm256_set1_ps(1.0f), a); }
inline vec fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
// Where either is NaN the second is the answer, so that a NaN in it is kept.
inline vec larger(vec a, vec b) { return _mm256_max_ps(a, b); }
inline vec smaller(vec a, vec b) { return _mm256_min_ps(a, b); }
inline vec nearest(vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT); }
// 2 to the power of a whole number between -126 and 127.
inline vec power_of_two(vec whole) {
    __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
}
inline float sum(vec a) {
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline float largest(vec a) {
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

#else
#error "these kernels need AVX2 with FMA, or AVX-512"
#endif

// e^x to about one unit in the last place: x = n ln 2 + r with |r| <= ln 2 / 2, then e^r by its
// series to the seventh term and 2^n by building the exponent. Below -87 the answer stays at
// e^-87 (about 1e-38) where it would leave the normal numbers; a NaN stays one.
inline vec exponential(vec x) {
    x = smaller(broadcast(88.0f), larger(broadcast(-87.0f), x));
    vec n = nearest(multiply(x, broadcast(1.44269504f)));
    // ln 2 in two parts, the first with few bits, so that n times it is exact.
    vec r = fma(n, broadcast(-0.693359375f), x);
    r = fma(n, broadcast(2.12194440e-4f), r);
    vec series = broadcast(1.0f / 5040);
    series = fma(series, r, broadcast(1.0f / 720));
    series = fma(series, r, broadcast(1.0f / 120));
    series = fma(series, r, broadcast(1.0f / 24));
    series = fma(series, r, broadcast(1.0f / 6));
    series = fma(series, r, broadcast(0.5f));
    series = fma(series, r, broadcast(1.0f));
    series = fma(series, r, broadcast(1.0f));
    return multiply(series, power_of_two(n));
}

// Products of pairs, for linears: weights lie as (k, k + 1) of one column after the other, which
// is what AVX512-BF16 multiplies in one instruction. Elsewhere a pair is two products, PARTS of
// it, and each part's weights are what a shift or a mask leaves of the pairs in memory.
#if defined(__AVX512BF16__)

using activation = bfloat16;  // what a linear reads
using factor = __m512bh;
constexpr int PARTS = 1;

constexpr bool PAIRED = true;  // how int8 weights lie: see linear.h

inline factor column_factor(const bfloat16* row, int half, int) {
    return (__m512bh)_mm512_loadu_si512(row + half * 2 * LANES);
}
// A whole number up to 127 has at most seven significant bits: it is a bfloat16, exactly.
inline factor column_factor(const int8_t* row, int half, int) {
    const __m256i* from = reinterpret_cast<const __m256i*>(row + half * 2 * LANES);
    __m512i pairs = _mm512_cvtepi8_epi16(_mm256_loadu_si256(from));
    __m512i first = _mm512_srai_epi32(_mm512_slli_epi32(pairs, 16), 16);
    __m512i second = _mm512_srai_epi32(pairs, 16);
    __m512i low = _mm512_srli_epi32(_mm512_castps_si512(_mm512_cvtepi32_ps(first)), 16);
    __m512i high = _mm512_castps_si512(_mm512_cvtepi32_ps(second));
    return (__m512bh)_mm512_or_si512(low, high);
}
inline factor row_factor(const bfloat16* from, int) {
    int both;
    __builtin_memcpy(&both, from, sizeof both);
    return (__m512bh)_mm512_set1_epi32(both);
}
inline vec multiply_add(factor a, factor b, vec c) { return _mm512_dpbf16_ps(c, a, b); }

#else

using activation = float;
using factor = vec;
constexpr int PARTS = 2;
constexpr bool PAIRED = false;  // how int8 weights lie: see linear.h

inline factor column_factor(const int8_t* row, int half, int part) {
    const int8_t* from = row + (part * 2 + half) * LANES;
#if defined(__AVX512F__)
    __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
#else
    __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
#endif
}
inline factor column_factor(const bfloat16* row, int half, int part) {
    const bfloat16* from = row + half * 2 * LANES;
#if defined(__AVX512F__)
    __m512i both = _mm512_loadu_si512(from);
    return _mm512_castsi512_ps(part ? _mm512_and_si512(both, _mm512_set1_epi32(int(0xffff0000)))
                                    : _mm512_slli_epi32(both, 16));
#else
    __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    return _mm256_castsi256_ps(part ? _mm256_blend_epi16(_mm256_setzero_si256(), both, 0xaa)
                                    : _mm256_slli_epi32(both, 16));
#endif
}
inline factor row_factor(const float* from, int part) { return broadcast(from[part]); }
inline vec multiply_add(factor a, factor b, vec c) { return fma(a, b, c); }

#endif
