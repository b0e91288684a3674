// The part of a linear's y that one thread fills at a time.
#pragma once

#include <algorithm>

#include "linear.h"

// Up to MOST_ROWS rows and WIDTH outputs. Where the panels are wider than what is left of the
// outputs, the sums are made beside y.
template <int64_t MOST_ROWS, int64_t WIDTH>
class Block {
public:
    // `row` is the first row of y. What the product is added to is in the sums then.
    Block(const Linear& layer, int64_t column, float* row, int64_t rows, Onto onto)
        : y_{row + column, layer.outputs},
          rows_(rows),
          columns_(std::min(WIDTH, layer.outputs - column)) {
        const float* bias = layer.bias ? layer.bias + column : nullptr;
        for (int64_t r = 0; r < rows; r++)
            for (int64_t c = 0; c < columns_; c++) {
                float& sum = y_.row(r)[c];
                sum = (onto == Onto::itself ? sum : 0.0f) + (bias ? bias[c] : 0.0f);
            }
        if (whole()) return;
        std::fill_n(edge_, rows * WIDTH, 0.0f);
        copy(y_, {edge_, WIDTH});
    }

    Strided<float> sums() { return whole() ? y_ : Strided<float>{edge_, WIDTH}; }

    // Brings the sums to y.
    void finish() {
        if (!whole()) copy({edge_, WIDTH}, y_);
    }

private:
    bool whole() const { return columns_ == WIDTH; }

    void copy(Strided<float> from, Strided<float> to) const {
        for (int64_t r = 0; r < rows_; r++) std::copy_n(from.row(r), columns_, to.row(r));
    }

    Strided<float> y_;
    int64_t rows_;
    int64_t columns_;
    float edge_[MOST_ROWS * WIDTH];
};
