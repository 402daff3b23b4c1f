// Many products of rows with laid-out weights in one parallel region: those of all experts, or just one.
#pragma once

#include <cstdint>
#include <span>

#include "gemm_kernel.h"

namespace gatesweep::gemm {

// A weight [outputs, inputs] in panels of 32 outputs.
template <class T>
struct Panels {
    T const* data;
    std::int64_t outputs;
    std::int64_t inputs;

    static std::int64_t num_elements(std::int64_t outputs, std::int64_t inputs) {
        return round_up(outputs, panel_columns) * round_up(inputs, depth_multiple);
    }
    std::int64_t panel_size() const { return panel_columns * round_up(inputs, depth_multiple); }
};

enum class Side { forward, transposed };

// forward: y [rows, outputs] = x [rows, inputs] * weight^T. transposed: y [rows, inputs] = x [rows, outputs] * weight.
template <class T>
struct Product {
    Panels<T> weight;
    Side side;
    T const* x;
    std::int64_t x_stride;
    std::int64_t rows;
    T* y;
    std::int64_t y_stride;

    std::int64_t depth() const { return side == Side::forward ? weight.inputs : weight.outputs; }
    std::int64_t columns() const { return side == Side::forward ? weight.outputs : weight.inputs; }
};

template <class T>
void multiply(std::span<Product<T> const> products);

// weight [outputs, inputs], row-major with `row_stride` -> panels.
template <class T>
void pack_weight(T const* weight, std::int64_t row_stride, std::int64_t outputs, std::int64_t inputs, T* panels);

// Where element (output, input) stands in the panels.
template <class T>
std::int64_t panel_index(Panels<T> const& weight, std::int64_t output, std::int64_t input) {
    std::int64_t const panel = output / panel_columns * weight.panel_size(), column = output % panel_columns;
    if constexpr (sizeof(T) == sizeof(float)) {
        return panel + input * panel_columns + column;
    } else {
        return panel + input / 2 * 2 * panel_columns + 2 * column + input % 2;
    }
}

}  // namespace gatesweep::gemm
