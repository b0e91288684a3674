#include "forward.h"

#include "rows.h"

namespace {

// Hands out parts of one piece of memory, each on a cache line of its own. Without memory it
// only counts.
struct Arena {
    char* memory;
    int64_t used = 0;

    Strided<activation> take_rows(int64_t rows, int64_t size) {
        return {take<activation>(rows * row_stride(size)), row_stride(size)};
    }

    template <class Item>
    Item* take(int64_t count) {
        int64_t at = used;
        used += (count * int64_t(sizeof(Item)) + 63) / 64 * 64;
        return memory ? reinterpret_cast<Item*>(memory + at) : nullptr;
    }
};

struct Buffers {
    float* stream;                 // [rows, hidden], what the layers add to
    Strided<activation> normed;    // [rows, hidden]
    float* projected;              // [rows, (heads + 2 kv_heads) head_dim]
    Strided<activation> attended;  // [rows, heads head_dim]
    float* gate_up;                // [rows, 2 intermediate]
    Strided<activation> gated;     // [rows, intermediate]
};

Cache cache_of(const Model& model, const Layer& layer) {
    return {layer.keys, layer.values, model.kv_heads, model.context, model.head_dim};
}

Buffers buffers(const Model& model, int64_t rows, Arena& arena) {
    int64_t width = (model.heads + 2 * model.kv_heads) * model.head_dim;
    return {arena.take<float>(rows * model.hidden),
            arena.take_rows(rows, model.hidden),
            arena.take<float>(rows * width),
            arena.take_rows(rows, model.heads * model.head_dim),
            arena.take<float>(rows * 2 * model.intermediate),
            arena.take_rows(rows, model.intermediate)};
}

void embed(const Model& model, const int64_t* tokens, int64_t rows, float* to) {
#pragma omp for
    for (int64_t r = 0; r < rows; r++)
        convert_row(model.embedding + tokens[r] * model.hidden, model.hidden,
                    to + r * model.hidden);
}

void norm(const Model& model, const float* from, const float* weight, int64_t rows,
          Strided<activation> to) {
#pragma omp for
    for (int64_t r = 0; r < rows; r++)
        rms_norm_row(from + r * model.hidden, weight, model.epsilon, model.hidden, to.row(r));
}

// Norms and turns one head of queries or keys.
void place_head(const Model& model, const float* weight, int64_t position, float* head) {
    int64_t half = model.head_dim / 2;
    if (weight) rms_norm_row(head, weight, model.epsilon, model.head_dim, head);
    rotate_head(head, model.cosines + position * half, model.sines + position * half, half);
}

// Gives queries and keys their positions, in place, and writes keys and values to the slots.
void place_and_write(const Model& model, const Layer& layer, Rows rows, float* projected) {
    int64_t size = model.head_dim, all = model.heads + 2 * model.kv_heads;
    Cache cache = cache_of(model, layer);
#pragma omp for
    for (int64_t i = 0; i < rows.count * all; i++) {
        int64_t row = i / all, head = i % all, position = rows.positions[row];
        float* states = projected + i * size;
        if (head < model.heads) {
            place_head(model, layer.query_norm, position, states);
        } else if (head < model.heads + model.kv_heads) {
            place_head(model, layer.key_norm, position, states);
            write_key(cache, rows.slots[row], head - model.heads, position, states);
        } else {
            int64_t of = head - model.heads - model.kv_heads;
            write_value(cache, rows.slots[row], of, position, states);
        }
    }
}

// A linear of rows that another step has made.
void apply(const Linear& layer, Strided<activation> x, int64_t rows, float* y, Onto onto) {
    linear(layer, {x.items, x.stride}, rows, y, onto);
}

void run_layer(const Model& model, const Layer& layer, Rows rows, const AttentionPlan& plan,
               const Buffers& b) {
    norm(model, b.stream, layer.attention_norm, rows.count, b.normed);
    apply(layer.query_key_value, b.normed, rows.count, b.projected, Onto::nothing);
    place_and_write(model, layer, rows, b.projected);
    int64_t width = (model.heads + 2 * model.kv_heads) * model.head_dim;
    attend(plan, cache_of(model, layer), {b.projected, width}, b.attended);
    apply(layer.output, b.attended, rows.count, b.stream, Onto::itself);
    norm(model, b.stream, layer.mlp_norm, rows.count, b.normed);
    gated_linear(layer.gate_up, {b.normed.items, b.normed.stride}, rows.count, b.gated, b.gate_up);
    apply(layer.down, b.gated, rows.count, b.stream, Onto::itself);
}

}  // namespace

extern "C" {

int64_t forward_scratch(const Model* model, int64_t rows) {
    Arena counting{nullptr};
    buffers(*model, rows, counting);
    return counting.used;
}

int64_t stretch_length() { return STRETCH; }

void forward(const Model* model, const int64_t* tokens, const int64_t* slots,
             const int64_t* positions, int64_t count, const int64_t* contents,
             int64_t first_logits, float* logits, void* scratch, int threads) {
    Rows rows{slots, positions, count, contents, model->context / STRETCH};
    AttentionPlan plan(model->head_dim, model->heads, model->kv_heads, rows, threads);
    Arena arena{static_cast<char*>(scratch)};
    Buffers b = buffers(*model, count, arena);
#pragma omp parallel num_threads(threads)
    {
        embed(*model, tokens, count, b.stream);
        for (int64_t i = 0; i < model->layers; i++)
            run_layer(*model, model->layer[i], rows, plan, b);
        int64_t wanted = count - first_logits;
        norm(*model, b.stream + first_logits * model->hidden, model->norm, wanted, b.normed);
        apply(model->head, b.normed, wanted, logits, Onto::nothing);
    }
}

}
