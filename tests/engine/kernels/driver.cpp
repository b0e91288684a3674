// Runs every kernel over many shapes, each buffer exactly as large as the kernel may touch, and
// compares with the definition. Built with the address sanitizer, so that one item read or written
// beyond an end stops it.
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "forward.h"
#include "rows.h"

extern "C" {
int ask_permission();
int64_t packed_size(int64_t outputs, int64_t inputs);
int64_t packed_scales(int64_t outputs, int64_t inputs);
void pack_linear(const bfloat16*, int64_t, int64_t, bfloat16*, int);
void pack_int8(const float*, int64_t, int64_t, int8_t*, float*, int);
void apply_linear(const Linear*, const activation*, int64_t, int64_t, float*, int);
void apply_attention(const bfloat16*, const bfloat16*, int64_t, int64_t, int64_t, int64_t,
                     const float*, int64_t, const int64_t*, const int64_t*, int64_t, const int64_t*,
                     float*, int);
int multiplies_split();
int64_t split_size(int64_t, int64_t);
void pack_split(const float*, int64_t, int64_t, bfloat16*, int);
void apply_split(const bfloat16*, const float*, int64_t, int64_t, const float*, int64_t, bfloat16*,
                 float*, int);
}

namespace {

std::mt19937 source(1);

int64_t between(int64_t least, int64_t most) {
    return std::uniform_int_distribution<int64_t>(least, most)(source);
}

float number() { return std::normal_distribution<float>()(source); }

std::vector<float> numbers(int64_t count) {
    std::vector<float> made(count);
    for (float& one : made) one = number();
    return made;
}

std::vector<bfloat16> halves(int64_t count) {
    std::vector<bfloat16> made(count);
    for (bfloat16& one : made) one = narrow(number());
    return made;
}

void expect(bool right, const char* what) {
    if (right) return;
    std::fprintf(stderr, "wrong: %s\n", what);
    std::exit(1);
}

bool near(float made, double wanted, double scale) {
    return std::abs(made - wanted) <= 0.02 * scale + 1e-4;
}

float value_of(float x) { return x; }
float value_of(bfloat16 x) { return widen(x); }

void check_linear() {
    int64_t outputs = between(1, 200), rows = between(1, 60);
    int64_t inputs = between(0, 1) ? 2 * between(1, 700) : 32 * between(1, 40);
    auto weights = halves(outputs * inputs);
    auto bias = numbers(outputs);
    std::vector<bfloat16> packed(packed_size(outputs, inputs));
    pack_linear(weights.data(), outputs, inputs, packed.data(), 2);
    // The last row ends where its numbers end, whatever the stride.
    int64_t stride = inputs + between(0, 3);
    auto plain = numbers((rows - 1) * stride + inputs);
    std::vector<activation> x(plain.size());
    for (size_t i = 0; i < x.size(); i++) {
        bfloat16 half = narrow(plain[i]);
        if constexpr (sizeof(activation) == 2)
            x[i] = *reinterpret_cast<activation*>(&half);
        else
            x[i] = *reinterpret_cast<activation*>(&plain[i]);
    }
    auto check = [&](const Linear& layer, double scale, const char* what) {
        std::vector<float> y(rows * outputs);
        apply_linear(&layer, x.data(), stride, rows, y.data(), 2);
        for (int64_t r = 0; r < rows; r += 7)
            for (int64_t c = 0; c < outputs; c++) {
                double sum = bias[c];
                for (int64_t k = 0; k < inputs; k++)
                    sum += double(value_of(x[r * stride + k])) * widen(weights[c * inputs + k]);
                expect(near(y[r * outputs + c], sum, std::sqrt(double(inputs)) * scale), what);
            }
    };
    check({packed.data(), nullptr, bias.data(), outputs, inputs}, 0.01, "linear");
    std::vector<float> plain_weights(weights.size());
    for (size_t i = 0; i < weights.size(); i++) plain_weights[i] = widen(weights[i]);
    std::vector<int8_t> rounded(packed_size(outputs, inputs));
    std::vector<float> scales(packed_scales(outputs, inputs));
    pack_int8(plain_weights.data(), outputs, inputs, rounded.data(), scales.data(), 2);
    // Half a unit of a group whose largest is about 3 is 3 / 254: 0.02 * 3 is five times that.
    check({rounded.data(), scales.data(), bias.data(), outputs, inputs}, 3, "linear in int8");
}

void check_split() {
    if (!multiplies_split()) return;
    int64_t outputs = between(1, 100), inputs = between(1, 200), rows = between(1, 300);
    auto weights = numbers(outputs * inputs), bias = numbers(outputs), x = numbers(rows * inputs);
    std::vector<bfloat16> packed(split_size(outputs, inputs)), scratch(split_size(rows, inputs));
    std::vector<float> y(rows * outputs);
    pack_split(weights.data(), outputs, inputs, packed.data(), 2);
    apply_split(packed.data(), bias.data(), outputs, inputs, x.data(), rows, scratch.data(),
                y.data(), int(between(1, 3)));
    for (int64_t r = 0; r < rows; r += 5)
        for (int64_t c = 0; c < outputs; c++) {
            double sum = bias[c];
            for (int64_t k = 0; k < inputs; k++)
                sum += double(x[r * inputs + k]) * weights[c * inputs + k];
            expect(near(y[r * outputs + c], sum, 0.01), "split linear");
        }
}

// Gives some slots the first stretches of the first one, and says so.
std::vector<int64_t> shared_contents(std::vector<bfloat16>& keys, std::vector<bfloat16>& values,
                                     int64_t slots, int64_t kv_heads, int64_t context,
                                     int64_t size) {
    const int64_t stretches = context / stretch_length();
    std::vector<int64_t> contents(slots * stretches);
    for (int64_t slot = 0; slot < slots; slot++) {
        const int64_t shared = between(0, stretches), items = shared * stretch_length() * size;
        for (int64_t s = 0; s < shared; s++) contents[slot * stretches + s] = 1 + s;
        for (auto* cache : {&keys, &values})
            for (int64_t head = 0; head < kv_heads; head++)
                std::copy_n(cache->data() + head * context * size, items,
                            cache->data() + (slot * kv_heads + head) * context * size);
    }
    return contents;
}

void check_attention() {
    int64_t size = LANES * between(1, 6), kv_heads = between(1, 3), group = between(1, 9);
    int64_t slots = between(1, 3), context = between(1, 700), rows = between(1, 9);
    auto keys = halves(slots * kv_heads * context * size), values = halves(keys.size());
    auto queries = numbers(rows * kv_heads * group * size);
    std::vector<int64_t> slot(rows), position(rows);
    for (int64_t r = 0; r < rows; r++) {
        slot[r] = between(0, slots - 1);
        position[r] = between(0, context - 1);
    }
    std::vector<int64_t> contents = shared_contents(keys, values, slots, kv_heads, context, size);
    std::vector<float> made(queries.size());
    apply_attention(keys.data(), values.data(), slots, kv_heads, context, size, queries.data(),
                    kv_heads * group, slot.data(), position.data(), rows, contents.data(),
                    made.data(), int(between(1, 4)));
    for (int64_t r = 0; r < rows; r++)
        for (int64_t h = 0; h < kv_heads * group; h++) {
            const float* q = &queries[(r * kv_heads * group + h) * size];
            int64_t first = (slot[r] * kv_heads + h / group) * context * size;
            std::vector<double> weight(position[r] + 1);
            double mass = 0;
            for (size_t j = 0; j < weight.size(); j++) {
                double score = 0;
                for (int64_t d = 0; d < size; d++)
                    score += double(q[d]) * widen(keys[first + int64_t(j) * size + d]);
                mass += weight[j] = std::exp(score / std::sqrt(double(size)));
            }
            for (int64_t d = 0; d < size; d++) {
                double sum = 0;
                for (size_t j = 0; j < weight.size(); j++)
                    sum += weight[j] * widen(values[first + int64_t(j) * size + d]);
                expect(near(made[(r * kv_heads * group + h) * size + d], sum / mass, 0.5),
                       "attention");
            }
        }
}

void check_rows() {
    int64_t size = LANES * between(1, 40);
    auto from = numbers(size), weight = numbers(size), up = numbers(size), pairs = numbers(2 * size);
    std::vector<float> normed(size), gated(size), turned = from;
    for (int64_t i = 0; i < size; i++) {
        float* turn = &pairs[2 * (i - i % LANES) + i % LANES];
        turn[0] = from[i];
        turn[LANES] = up[i];
    }
    rms_norm_row(from.data(), weight.data(), 1e-5f, size, normed.data());
    gate_row(pairs.data(), size, gated.data());
    double squares = 0;
    for (float x : from) squares += double(x) * x;
    double scale = 1 / std::sqrt(squares / double(size) + 1e-5);
    for (int64_t i = 0; i < size; i++) {
        expect(near(normed[i], from[i] * scale * weight[i], 1e-3), "norm");
        expect(near(gated[i], from[i] / (1 + std::exp(-double(from[i]))) * up[i], 1e-3), "gate");
    }
    int64_t half = size / 2 / LANES * LANES;
    auto cosines = numbers(half), sines = numbers(half);
    turned.resize(2 * half);
    rotate_head(turned.data(), cosines.data(), sines.data(), half);
    for (int64_t i = 0; i < half; i++)
        expect(near(turned[i], from[i] * cosines[i] - from[half + i] * sines[i], 1e-3), "rotation");
}

// A model of one layer with memory of its own for everything; the numbers are tested elsewhere.
void check_forward() {
    int64_t hidden = LANES * between(1, 3), heads = 4, kv_heads = 2, size = 2 * LANES;
    int64_t inner = LANES * between(1, 4), context = between(1, 600), vocabulary = between(1, 90);
    int64_t slots = 3, rows = between(1, 8), width = (heads + 2 * kv_heads) * size;
    const int64_t block = positions_together(size);
    context = (context + block - 1) / block * block;
    auto norms = numbers(hidden), head_norms = numbers(size);
    auto cache = halves(slots * kv_heads * context * size), values = cache;
    std::vector<std::vector<bfloat16>> kept;
    auto make = [&](int64_t outputs, int64_t inputs) {
        kept.push_back(halves(packed_size(outputs, inputs)));
        return Linear{kept.back().data(), nullptr, nullptr, outputs, inputs};
    };
    Layer layer{norms.data(),        head_norms.data(),          head_norms.data(),
                norms.data(),        make(width, hidden),        make(hidden, heads * size),
                make(2 * inner, hidden), make(hidden, inner),    cache.data(),
                values.data()};
    auto embedding = halves(vocabulary * hidden);
    auto cosines = numbers(context * size / 2), sines = numbers(context * size / 2);
    Model model{1,     hidden,           heads,          kv_heads,     size,        inner, context,
                1e-5f, embedding.data(), cosines.data(), sines.data(), norms.data(),
                make(vocabulary, hidden), &layer};
    std::vector<int64_t> token(rows), slot(rows), position(rows);
    for (int64_t r = 0; r < rows; r++) {
        token[r] = between(0, vocabulary - 1);
        slot[r] = r % slots;
        position[r] = between(0, context - 1);
    }
    int threads = int(between(1, 4));
    int64_t first = between(0, rows - 1);
    std::vector<float> logits((rows - first) * vocabulary);
    int64_t needed = forward_scratch(&model, rows);
    std::vector<int64_t> contents(slots * (context / stretch_length()));
    std::vector<char> scratch(needed);
    forward(&model, token.data(), slot.data(), position.data(), rows, contents.data(), first,
            logits.data(), scratch.data(), threads);
}

void check_rounding() {
    for (int i = 0; i < 1000; i++) {
        float x[LANES];
        bfloat16 made[LANES];
        for (float& one : x) one = number() * std::pow(10.0f, float(between(-30, 30)));
        x[0] = NAN;
        x[1] = i % 2 ? INFINITY : -INFINITY;
        store(made, load(x));
        for (int lane = 0; lane < LANES; lane++)
            expect(made[lane].bits == narrow(x[lane]).bits, "rounding");
        expect(std::isnan(widen(made[0])) && std::isinf(widen(made[1])), "NaN and infinity");
    }
}

}  // namespace

int main() {
    expect(ask_permission(), "the system withholds registers");
    check_rounding();
    for (int i = 0; i < 40; i++) {
        check_linear();
        check_split();
        check_attention();
        check_rows();
        check_forward();
    }
    std::puts("clean");
}
