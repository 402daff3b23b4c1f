// Inner loops of the CPU kernels. Sums run over a fixed set of lanes, so a result depends on the operands alone: not on
// the number of threads, on neighbours in a batch or on the vector width that the compiler picks.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include <cmath>
#include <cstdint>
#include <type_traits>

// Instantiates the body for float, double and BFloat16, as scalar_t.
#define GATESWEEP_DISPATCH(dtype, name, ...) AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, dtype, name, __VA_ARGS__)

// The same for float and BFloat16.
#define GATESWEEP_FLOAT_CASES(...) \
    AT_DISPATCH_CASE(at::kFloat, __VA_ARGS__) AT_DISPATCH_CASE(at::kBFloat16, __VA_ARGS__)

namespace gatesweep::kernels {

// Arithmetic happens in this type, storage in scalar_t.
template <class T>
using compute_t = std::conditional_t<std::is_same_v<T, double>, double, float>;

// A value as it is after being stored in T: where the reference rounds between two operations, so do we.
template <class T>
inline compute_t<T> rounded(compute_t<T> value) {
    return static_cast<compute_t<T>>(static_cast<T>(value));
}

template <class T>
inline void load_row(T const* from, compute_t<T>* to, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<compute_t<T>>(from[i]);
}

template <class T>
inline void store_row(compute_t<T> const* from, T* to, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(from[i]);
}

inline constexpr int num_lanes = 16;

template <class A>
[[gnu::always_inline]] inline A sum_lanes(A (&lanes)[num_lanes]) {
    for (int width = num_lanes / 2; width > 0; width /= 2) {
        for (int i = 0; i < width; ++i) lanes[i] += lanes[i + width];
    }
    return lanes[0];
}

// sum_i a[i] * b[i]
template <class A>
[[gnu::always_inline]] inline A dot(A const* a, A const* b, std::int64_t n) {
    A lanes[num_lanes] = {};
    std::int64_t i = 0;
    for (; i + num_lanes <= n; i += num_lanes) {
        for (int lane = 0; lane < num_lanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
    }
    for (int lane = 0; i < n; ++i, ++lane) lanes[lane] += a[i] * b[i];
    return sum_lanes(lanes);
}

// y[i] += a * x[i]
template <class A>
[[gnu::always_inline]] inline void axpy(A a, A const* x, A* y, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) y[i] += a * x[i];
}

template <class A>
inline A sigmoid(A x) {
    return A(1) / (A(1) + std::exp(-x));
}

// Rows are handed out whole; a row is always computed by one thread.
template <class Body>
inline void for_each_row(std::int64_t num_rows, Body const& body) {
    at::parallel_for(0, num_rows, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) body(row);
    });
}

}  // namespace gatesweep::kernels
