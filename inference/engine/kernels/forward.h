// A whole forward of the Llama family: Llama, Mistral, Qwen2, Qwen3 (Touvron et al. 2023).
#pragma once

#include "attention.h"
#include "linear.h"

// The layouts of these structures are known to library.py.
struct Layer {
    const float* attention_norm;  // [hidden]
    const float* query_norm;      // [head_dim] or null
    const float* key_norm;        // [head_dim] or null
    const float* mlp_norm;        // [hidden]
    Linear query_key_value;       // hidden -> (heads + 2 kv_heads) head_dim
    Linear output;                // heads head_dim -> hidden
    Linear gate_up;               // hidden -> 2 intermediate, for gated_linear()
    Linear down;                  // intermediate -> hidden
    bfloat16* keys;               // [slots, kv_heads, context, head_dim]
    bfloat16* values;
};

struct Model {
    int64_t layers, hidden, heads, kv_heads, head_dim, intermediate, context;
    float epsilon;
    const bfloat16* embedding;  // [vocabulary, hidden]
    const float* cosines;       // [context, head_dim / 2]
    const float* sines;
    const float* norm;          // [hidden]
    Linear head;                // hidden -> vocabulary
    const Layer* layer;         // [layers]
};

extern "C" {

// Bytes of working memory that `forward` needs for so many rows.
int64_t forward_scratch(const Model* model, int64_t rows);

// How many positions of a slot are shared as one: `context` has context / stretch_length() whole
// ones.
int64_t stretch_length();

// Writes each row's token to its slot at its position and computes the logits
// [rows - first_logits, vocabulary] of the last rows. All rows are written before any looks back;
// those of one prompt are quickest if they follow each other. `contents`: see Rows.
void forward(const Model* model, const int64_t* tokens, const int64_t* slots,
             const int64_t* positions, int64_t rows, const int64_t* contents,
             int64_t first_logits, float* logits, void* scratch, int threads);

}
