// From tensors to the loops of the CPU kernels (row_loops.h). A result depends on the operands alone: not on the number
// of threads or on neighbours in a batch.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>

// Instantiates the body for float and BFloat16, as scalar_t.
#define GATESWEEP_DISPATCH(dtype, name, ...) \
    AT_DISPATCH_SWITCH(dtype, name,          \
                       AT_DISPATCH_CASE(at::kFloat, __VA_ARGS__) AT_DISPATCH_CASE(at::kBFloat16, __VA_ARGS__))

namespace gatesweep::kernels {

// What the loops of row_loops.h take in place of a tensor's elements; null of an empty one.
inline std::uint16_t const* bits(at::BFloat16 const* x) {
    return reinterpret_cast<std::uint16_t const*>(x);
}
inline std::uint16_t* bits(at::BFloat16* x) {
    return reinterpret_cast<std::uint16_t*>(x);
}
inline float const* bits(float const* x) {
    return x;
}
inline float* bits(float* x) {
    return x;
}

// float64, which only tests use, takes the plain way of generic_ops.h.
inline bool has_loops(at::Tensor const& x) {
    return x.is_cpu() && x.scalar_type() != at::kDouble;
}

// Rows of `columns` elements are handed out whole; a row is always computed by one thread.
template <class Body>
inline void for_each_row(std::int64_t num_rows, std::int64_t columns, Body const& body) {
    constexpr std::int64_t elements = 1 << 14;  // for which it is worth waking a thread
    at::parallel_for(0, num_rows, std::max<std::int64_t>(1, elements / std::max<std::int64_t>(1, columns)),
                     [&](std::int64_t begin, std::int64_t end) {
                         for (std::int64_t row = begin; row < end; ++row)
                             body(row);
                     });
}

}  // namespace gatesweep::kernels
