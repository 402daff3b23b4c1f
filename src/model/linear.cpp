#include "gatesweep/model/linear.h"

namespace gatesweep {
namespace {

// Runs a row-wise product on rows padded to the multiple.
template <class Product>
at::Tensor on_padded_rows(at::Tensor const& x, std::int64_t columns, Product const& product) {
    std::int64_t const rows = x.size(0), padded = padded_rows(rows);
    if (rows == 0) return at::empty({0, columns}, x.options());
    if (rows == padded) return product(x);
    at::Tensor const wide = at::zeros({padded, x.size(1)}, x.options());
    wide.slice(0, 0, rows).copy_(x);
    return product(wide).slice(0, 0, rows);
}

}  // namespace

at::Tensor token_linear(at::Tensor const& x, at::Tensor const& weight) {
    return on_padded_rows(x, weight.size(0), [&](at::Tensor const& rows) { return at::mm(rows, weight.t()); });
}

at::Tensor token_linear_input_gradient(at::Tensor const& dy, at::Tensor const& weight) {
    return on_padded_rows(dy, weight.size(1), [&](at::Tensor const& rows) { return at::mm(rows, weight); });
}

}  // namespace gatesweep
