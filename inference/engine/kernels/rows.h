// What is done to single rows between the linears. Sizes are multiples of LANES.
#pragma once

#include <cmath>

#include "simd.h"

// to = weight * from / sqrt(mean(from^2) + epsilon) (Zhang and Sennrich 2019). `to` may be `from`.
template <class Out>
void rms_norm_row(const float* from, const float* weight, float epsilon, int64_t size, Out* to) {
    vec squares = zero();
    for (int64_t i = 0; i < size; i += LANES) squares = fma(load(from + i), load(from + i), squares);
    vec scale = broadcast(1.0f / std::sqrt(sum(squares) / float(size) + epsilon));
    for (int64_t i = 0; i < size; i += LANES)
        store(to + i, multiply(multiply(load(from + i), scale), load(weight + i)));
}

// One head, in place: its halves (a, b) turn by the position's angles (Su et al. 2021):
// a' = a cos - b sin, b' = b cos + a sin.
inline void rotate_head(float* head, const float* cosines, const float* sines, int64_t half) {
    for (int64_t i = 0; i < half; i += LANES) {
        vec a = load(head + i), b = load(head + half + i);
        vec cosine = load(cosines + i), sine = load(sines + i);
        store(head + i, subtract(multiply(a, cosine), multiply(b, sine)));
        store(head + half + i, add(multiply(b, cosine), multiply(a, sine)));
    }
}

// to [size] = gate / (1 + e^-gate) * up; LANES of gates and LANES of ups come in turn.
template <class Out>
void gate_row(const float* pairs, int64_t size, Out* to) {
    for (int64_t i = 0; i < size; i += LANES) {
        vec x = load(pairs + 2 * i), up = load(pairs + 2 * i + LANES);
        vec bounded = add(broadcast(1.0f), exponential(subtract(zero(), x)));
        store(to + i, multiply(multiply(x, inverse(bounded)), up));
    }
}

template <class In, class Out>
void convert_row(const In* from, int64_t size, Out* to) {
    for (int64_t i = 0; i < size; i += LANES) store(to + i, load(from + i));
}
