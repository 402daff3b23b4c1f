// A dense row-major array on the host: what crosses layers and what is stored as .npy.
#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace gatesweep {

template <class T>
struct NdArray {
    std::vector<std::int64_t> shape;
    std::vector<T> values;  // row-major, product of `shape` elements

    NdArray() = default;
    explicit NdArray(std::vector<std::int64_t> dims, T fill = T{})
        : shape(std::move(dims)), values(static_cast<std::size_t>(num_elements(shape)), fill) {}

    static std::int64_t num_elements(std::vector<std::int64_t> const& dims) {
        return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
    }

    // Element of a rank-3 array, the shape [P, L, E] of the signals.
    T& at(std::int64_t p, std::int64_t l, std::int64_t e) { return values[offset(p, l, e)]; }
    T const& at(std::int64_t p, std::int64_t l, std::int64_t e) const { return values[offset(p, l, e)]; }

    // Row of the first dimension.
    std::span<T> row(std::int64_t i) {
        return std::span(values).subspan(row_size() * static_cast<std::size_t>(i), row_size());
    }
    std::span<T const> row(std::int64_t i) const {
        return std::span(values).subspan(row_size() * static_cast<std::size_t>(i), row_size());
    }

private:
    std::size_t row_size() const { return values.size() / static_cast<std::size_t>(shape[0]); }
    std::size_t offset(std::int64_t p, std::int64_t l, std::int64_t e) const {
        return static_cast<std::size_t>((p * shape[1] + l) * shape[2] + e);
    }
};

}  // namespace gatesweep
