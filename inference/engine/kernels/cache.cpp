#include "cache.h"

#include "rows.h"
#include "tiles.h"

namespace {

void write_row(bfloat16* to, int64_t position, int64_t head_dim, const float* state) {
    convert_row(state, head_dim, to + position * head_dim);
}

}  // namespace

#if defined(__AMX_BF16__)

namespace {

// Pairs of dimensions, TILE_COLUMNS keys beside each other.
void write_column(bfloat16* to, int64_t position, int64_t head_dim, const float* state) {
    alignas(64) bfloat16 row[MAX_HEAD_DIM];
    convert_row(state, head_dim, row);
    to += (position / TILE_COLUMNS * head_dim * TILE_COLUMNS) + position % TILE_COLUMNS * 2;
    for (int64_t d = 0; d < head_dim; d += 2, to += 2 * TILE_COLUMNS)
        __builtin_memcpy(to, row + d, 2 * sizeof *to);
}

// Every second item. By a mask, for the items between are another position's.
void write_half(bfloat16* to, int64_t position, int64_t head_dim, const float* state) {
    const int64_t within = position % TILE_INPUTS;
    to += (position - within) * head_dim + within / 2 * 2 * TILE_COLUMNS;
    for (int64_t d = 0; d < head_dim; d += TILE_COLUMNS, to += TILE_INPUTS * TILE_COLUMNS) {
        bfloat16 narrow[TILE_COLUMNS];
        store(narrow, load(state + d));
        __m512i wide = _mm512_cvtepu16_epi32(
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(narrow)));
        if (within % 2) wide = _mm512_slli_epi32(wide, 16);
        _mm512_mask_storeu_epi16(to, within % 2 ? 0xaaaaaaaa : 0x55555555, wide);
    }
}

}  // namespace

bool heads_fit_tiles(int64_t head_dim) { return head_dim % TILE_INPUTS == 0; }

int64_t positions_together(int64_t head_dim) {
    return heads_fit_tiles(head_dim) ? TILE_INPUTS : 1;
}

void write_key(const Cache& cache, int64_t slot, int64_t head, int64_t position,
               const float* state) {
    auto write = heads_fit_tiles(cache.head_dim) ? write_column : write_row;
    write(cache.keys + cache.at(slot, head, 0), position, cache.head_dim, state);
}

void write_value(const Cache& cache, int64_t slot, int64_t head, int64_t position,
                 const float* state) {
    auto write = heads_fit_tiles(cache.head_dim) ? write_half : write_row;
    write(cache.values + cache.at(slot, head, 0), position, cache.head_dim, state);
}

#else

bool heads_fit_tiles(int64_t) { return false; }

int64_t positions_together(int64_t) { return 1; }

void write_key(const Cache& cache, int64_t slot, int64_t head, int64_t position,
               const float* state) {
    write_row(cache.keys + cache.at(slot, head, 0), position, cache.head_dim, state);
}

void write_value(const Cache& cache, int64_t slot, int64_t head, int64_t position,
                 const float* state) {
    write_row(cache.values + cache.at(slot, head, 0), position, cache.head_dim, state);
}

#endif
