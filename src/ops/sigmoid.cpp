#include "gatesweep/ops/sigmoid.h"

#include <cmath>

#include "ops/cpu/kernels.h"
#include "ops/cpu/row_loops.h"

namespace gatesweep {

using namespace kernels;

at::Tensor sigmoid_of(at::Tensor const& x) {
    if (!has_loops(x)) return at::sigmoid(x);
    at::Tensor const in = x.contiguous();
    at::Tensor y = at::empty_like(in);
    GATESWEEP_DISPATCH(x.scalar_type(), "sigmoid", [&] {
        auto const* from = in.const_data_ptr<scalar_t>();
        auto* to = y.data_ptr<scalar_t>();
        for (std::int64_t i = 0; i < in.numel(); ++i)
            to[i] = static_cast<scalar_t>(1.0F / (1.0F + std::exp(-static_cast<float>(from[i]))));
    });
    return y;
}

at::Tensor row_products(at::Tensor const& a, at::Tensor const& b) {
    at::ScalarType const type = a.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    if (!has_loops(a)) return (a.to(type) * b.to(type)).sum(-1, true);
    std::int64_t const d = a.size(1);
    at::Tensor const left = a.contiguous(), right = b.contiguous();
    at::Tensor result = at::empty({a.size(0), 1}, a.options().dtype(type));
    GATESWEEP_DISPATCH(a.scalar_type(), "row_products", [&] {
        auto const *x = left.const_data_ptr<scalar_t>(), *y = right.const_data_ptr<scalar_t>();
        auto* to = result.data_ptr<float>();
        for_each_row(a.size(0), d, [&](std::int64_t t) { to[t] = dot_row(bits(x + t * d), bits(y + t * d), d); });
    });
    return result;
}

}  // namespace gatesweep
