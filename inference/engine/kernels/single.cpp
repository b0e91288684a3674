// Each kernel by itself, for the path that runs transformers' own modules, and for tests.
#include <vector>

#include "attention.h"
#include "linear.h"
#include "rows.h"

extern "C" {

int64_t lanes() { return LANES; }

int64_t activation_stride(int64_t size) { return row_stride(size); }

int reads_bfloat16() { return sizeof(activation) == sizeof(bfloat16); }

void apply_linear(const Linear* layer, const activation* x, int64_t stride, int64_t rows, float* y,
                  int threads) {
#pragma omp parallel num_threads(threads)
    linear(*layer, {x, stride}, rows, y, Onto::nothing);
}

void apply_attention(bfloat16* keys, bfloat16* values, int64_t kv_heads, int64_t context,
                     int64_t head_dim, const float* queries, int64_t heads, const int64_t* slots,
                     const int64_t* positions, int64_t count, float* to, int threads) {
    Cache cache{keys, values, kv_heads, context, head_dim};
    Rows rows{slots, positions, count};
    std::vector<float> scratch(size_t(attention_scratch(cache, heads, rows, threads)));
    std::vector<activation> out(size_t(count * heads * head_dim));
#pragma omp parallel num_threads(threads)
    attend(cache, {queries, heads * head_dim}, heads, rows, {out.data(), heads * head_dim},
           scratch.data());
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

void apply_gate(const float* gate, const float* up, int64_t size, float* to) {
    gate_row(gate, up, size, to);
}

}
