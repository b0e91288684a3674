// Each kernel by itself, for the path that runs transformers' own modules, and for tests.
#include <vector>

#include "attention.h"
#include "linear.h"
#include "rows.h"

namespace {

// Keys and values in the order that attention reads.
struct Copied {
    Copied(const bfloat16* keys, const bfloat16* values, int64_t slots, int64_t kv_heads,
           int64_t context, int64_t head_dim) {
        int64_t block = positions_together(head_dim);
        int64_t rounded = (context + block - 1) / block * block;
        std::vector<float> state(static_cast<size_t>(head_dim));
        for (auto* to : {&keys_, &values_})
            to->resize(static_cast<size_t>(slots * kv_heads * rounded * head_dim));
        cache = {keys_.data(), values_.data(), kv_heads, rounded, head_dim};
        for (int64_t i = 0; i < slots * kv_heads * context; i++) {
            int64_t slot = i / context / kv_heads, head = i / context % kv_heads;
            convert_row(keys + i * head_dim, head_dim, state.data());
            write_key(cache, slot, head, i % context, state.data());
            convert_row(values + i * head_dim, head_dim, state.data());
            write_value(cache, slot, head, i % context, state.data());
        }
    }

    Cache cache;

private:
    std::vector<bfloat16> keys_, values_;
};

}  // namespace

extern "C" {

int64_t lanes() { return LANES; }

int64_t activation_stride(int64_t size) { return row_stride(size); }

int reads_bfloat16() { return sizeof(activation) == sizeof(bfloat16); }

void apply_linear(const Linear* layer, const activation* x, int64_t stride, int64_t rows, float* y,
                  int threads) {
#pragma omp parallel num_threads(threads)
    linear(*layer, {x, stride}, rows, y, Onto::nothing);
}

// `keys` and `values` are [slots, kv_heads, context, head_dim], whatever order attention reads.
void apply_attention(const bfloat16* keys, const bfloat16* values, int64_t slot_count,
                     int64_t kv_heads, int64_t context, int64_t head_dim, const float* queries,
                     int64_t heads, const int64_t* slots, const int64_t* positions, int64_t count,
                     const int64_t* contents, float* to, int threads) {
    Copied copied(keys, values, slot_count, kv_heads, context, head_dim);
    Rows rows{slots, positions, count, contents, context / STRETCH};
    AttentionPlan plan(head_dim, heads, kv_heads, rows, threads);
    std::vector<activation> out(static_cast<size_t>(count * heads * head_dim));
#pragma omp parallel num_threads(threads)
    attend(plan, copied.cache, {queries, heads * head_dim}, {out.data(), heads * head_dim});
    convert_row(out.data(), int64_t(out.size()), to);
}

void apply_rms_norm(const float* from, const float* weight, float epsilon, int64_t rows,
                    int64_t size, float* to) {
    for (int64_t r = 0; r < rows; r++)
        rms_norm_row(from + r * size, weight, epsilon, size, to + r * size);
}

void apply_rotation(float* head, const float* cosines, const float* sines, int64_t half) {
    rotate_head(head, cosines, sines, half);
}

void apply_gate(const float* pairs, int64_t size, float* to) { gate_row(pairs, size, to); }

}
