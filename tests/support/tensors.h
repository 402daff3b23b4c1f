// Small random tensors, and what tests ask of functions of tensors.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace gatesweep {

// Values in [-1, 1) of a fixed generator: the same everywhere.
inline at::Tensor random_tensor(std::vector<std::int64_t> const& shape, at::ScalarType dtype, std::uint64_t seed) {
    at::Tensor const values = at::empty(shape, at::kDouble);
    std::mt19937_64 random(seed);
    auto* data = values.data_ptr<double>();
    for (std::int64_t i = 0; i < values.numel(); ++i)
        data[i] = static_cast<double>(random() >> 11) * 0x1p-52 - 1.0;
    return values.to(dtype);
}

// Largest |a - b| over the largest |b|.
inline double relative_error(at::Tensor const& a, at::Tensor const& b) {
    if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
    if (a.numel() == 0) return 0;
    double const largest = b.to(at::kDouble).abs().max().item<double>();
    double const worst = (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
    return worst == 0 ? 0 : worst / largest;
}

// What a kernel may differ by from its reference, which adds up in another order.
inline double rounding_of(at::ScalarType dtype) {
    return dtype == at::kDouble ? 1e-12 : dtype == at::kFloat ? 2e-5 : 2e-2;
}

inline std::vector<at::ScalarType> storage_types() {
    return {at::kDouble, at::kFloat, at::kBFloat16};
}

using TensorFunction = std::function<at::Tensor(at::Tensor const&)>;

// d sum(f(x) * dy) / dx by central differences; x and dy are float64.
inline at::Tensor finite_difference(TensorFunction const& f, at::Tensor const& x, at::Tensor const& dy) {
    at::Tensor const moved = x.clone(), gradient = at::empty(x.sizes(), at::kDouble);
    at::Tensor const flat = moved.view(-1), out = gradient.view(-1);
    double const step = 1e-5;
    for (std::int64_t i = 0; i < flat.numel(); ++i) {
        at::Tensor const cell = flat[i];
        double const value = cell.item<double>();
        cell.fill_(value + step);
        double const above = (f(moved) * dy).sum().item<double>();
        cell.fill_(value - step);
        double const below = (f(moved) * dy).sum().item<double>();
        cell.fill_(value);
        out[i].fill_((above - below) / (2 * step));
    }
    return gradient;
}

// Bit for bit: f of all rows, of each row alone, and of the rows in reverse, on 1 and 2 threads.
inline void expect_rows_independent(TensorFunction const& f, at::Tensor const& x, std::string const& what) {
    at::set_num_threads(1);
    at::Tensor const all = f(x);
    for (int threads : {1, 2}) {
        at::set_num_threads(threads);
        EXPECT_TRUE(at::equal(f(x), all)) << what << ", threads " << threads;
        EXPECT_TRUE(at::equal(f(x.flip(0).contiguous()).flip(0), all)) << what << " reversed, threads " << threads;
        for (std::int64_t row = 0; row < x.size(0); ++row) {
            EXPECT_TRUE(at::equal(f(x.slice(0, row, row + 1)), all.slice(0, row, row + 1)))
                << what << " row " << row << ", threads " << threads;
        }
    }
    at::set_num_threads(1);
}

}  // namespace gatesweep
