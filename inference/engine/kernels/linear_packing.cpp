// How weights come to lie as `Linear` wants them.
#include <algorithm>
#include <cmath>

#include "linear.h"

namespace {

// Where q of a panel's column c and input i lies; `panel` is its first row of PANEL.
int64_t int8_place(int64_t panel, int64_t i, int64_t c) {
    if (PAIRED) return (panel + i / 2 * 2) * PANEL + 2 * c + i % 2;
    return (panel + i) * PANEL + c;
}

}  // namespace

extern "C" {

// Lays out W [outputs, inputs], row by row in bfloat16, as `Linear` wants it.
void pack_linear(const bfloat16* from, int64_t outputs, int64_t inputs, bfloat16* to,
                 int threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t panel = 0; panel < panels(outputs); panel++)
        for (int64_t k = 0; k < inputs; k++)
            for (int64_t c = 0; c < PANEL; c++) {
                int64_t output = panel * PANEL + c;
                bfloat16 weight = output < outputs ? from[output * inputs + k] : bfloat16{0};
                to[(panel * inputs + k / 2 * 2) * PANEL + 2 * c + k % 2] = weight;
            }
}

// The number of weights that pack_linear and pack_int8 write.
int64_t packed_size(int64_t outputs, int64_t inputs) { return panels(outputs) * PANEL * inputs; }

// Rounds W [outputs, inputs] to int8 and lays it out. `to` holds packed_size weights, `scales`
// packed_scales of them. The largest weight of a group becomes 127 or -127.
void pack_int8(const float* from, int64_t outputs, int64_t inputs, int8_t* to, float* scales,
               int threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t panel = 0; panel < panels(outputs); panel++)
        for (int64_t k = 0; k < inputs; k += GROUP)
            for (int64_t c = 0; c < PANEL; c++) {
                int64_t output = panel * PANEL + c, end = std::min(k + GROUP, inputs);
                const float* row = output < outputs ? from + output * inputs : nullptr;
                float largest = 0, poison = 0;  // NaN, where one of the weights is no number
                for (int64_t i = k; row && i < end; i++) {
                    largest = std::max(largest, std::abs(row[i]));
                    poison += 0 * row[i];
                }
                float scale = largest / 127 + poison;
                scales[(panel * groups(inputs) + k / GROUP) * PANEL + c] = scale;
                for (int64_t i = k; i < end; i++) {
                    float q = row && scale > 0 ? std::nearbyint(row[i] / scale) : 0.0f;
                    to[int8_place(panel * inputs, i, c)] = int8_t(std::clamp(q, -127.0f, 127.0f));
                }
            }
}

int64_t packed_scales(int64_t outputs, int64_t inputs) {
    return panels(outputs) * PANEL * groups(inputs);
}

}
