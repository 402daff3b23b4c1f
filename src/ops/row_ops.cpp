#include "gatesweep/ops/row_ops.h"

#include <cmath>

#include "device_ops.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/layer_norm_rows.h"
#include "ops/cpu/row_loops.h"
#include "ops/cpu/swiglu_rows.h"
#include "ops/generic/generic_ops.h"

namespace gatesweep {

using namespace kernels;

at::Tensor rms_norm(at::Tensor const& x, at::Tensor const& weight, double eps) {
    if (!has_loops(x)) return device::rms_norm(x, weight, eps);
    std::int64_t const d = x.size(1);
    at::Tensor y = at::empty_like(x);
    GATESWEEP_DISPATCH(x.scalar_type(), "rms_norm", [&] {
        auto const *in = x.const_data_ptr<scalar_t>(), *w = weight.const_data_ptr<scalar_t>();
        auto* out = y.data_ptr<scalar_t>();
        for_each_row(x.size(0), d, [&](std::int64_t t) {
            rms_norm_row(bits(in + t * d), bits(w), static_cast<float>(eps), bits(out + t * d), d);
        });
    });
    return y;
}

at::Tensor rms_norm_backward(at::Tensor const& dy, at::Tensor const& x, at::Tensor const& weight, double eps) {
    if (!has_loops(x)) return device::rms_norm_backward(dy, x, weight, eps);
    std::int64_t const d = x.size(1);
    at::Tensor dx = at::empty_like(x);
    GATESWEEP_DISPATCH(x.scalar_type(), "rms_norm_backward", [&] {
        auto const *grad = dy.const_data_ptr<scalar_t>(), *in = x.const_data_ptr<scalar_t>(),
                   *w = weight.const_data_ptr<scalar_t>();
        auto* out = dx.data_ptr<scalar_t>();
        for_each_row(x.size(0), d, [&](std::int64_t t) {
            rms_norm_backward_row(bits(grad + t * d), bits(in + t * d), bits(w), static_cast<float>(eps),
                                  bits(out + t * d), d);
        });
    });
    return dx;
}

at::Tensor layer_norm(at::Tensor const& x, at::Tensor const& weight, at::Tensor const& bias, double eps) {
    if (!has_loops(x)) return generic::layer_norm(x, weight, bias, eps);
    std::int64_t const d = x.size(1);
    at::Tensor y = at::empty_like(x);
    GATESWEEP_DISPATCH(x.scalar_type(), "layer_norm", [&] {
        auto const *in = x.const_data_ptr<scalar_t>(), *w = weight.const_data_ptr<scalar_t>(),
                   *b = bias.const_data_ptr<scalar_t>();
        auto* out = y.data_ptr<scalar_t>();
        for_each_row(x.size(0), d, [&](std::int64_t t) {
            layer_norm_row(bits(in + t * d), bits(w), bits(b), static_cast<float>(eps), bits(out + t * d), d);
        });
    });
    return y;
}

at::Tensor layer_norm_backward(at::Tensor const& dy, at::Tensor const& x, at::Tensor const& weight, double eps) {
    if (!has_loops(x)) return generic::layer_norm_backward(dy, x, weight, eps);
    std::int64_t const d = x.size(1);
    at::Tensor dx = at::empty_like(x);
    GATESWEEP_DISPATCH(x.scalar_type(), "layer_norm_backward", [&] {
        auto const *grad = dy.const_data_ptr<scalar_t>(), *in = x.const_data_ptr<scalar_t>(),
                   *w = weight.const_data_ptr<scalar_t>();
        auto* out = dx.data_ptr<scalar_t>();
        for_each_row(x.size(0), d, [&](std::int64_t t) {
            layer_norm_backward_row(bits(grad + t * d), bits(in + t * d), bits(w), static_cast<float>(eps),
                                    bits(out + t * d), d);
        });
    });
    return dx;
}

at::Tensor swiglu(at::Tensor const& gate_up) {
    if (!has_loops(gate_up)) return device::swiglu(gate_up);
    std::int64_t const f = gate_up.size(1) / 2;
    at::Tensor activation = at::empty({gate_up.size(0), f}, gate_up.options());
    GATESWEEP_DISPATCH(gate_up.scalar_type(), "swiglu", [&] {
        auto const* in = gate_up.const_data_ptr<scalar_t>();
        auto* out = activation.data_ptr<scalar_t>();
        for_each_row(gate_up.size(0), f, [&](std::int64_t r) {
            scalar_t const *gate = in + r * 2 * f, *up = gate + f;
            swiglu_row(bits(gate), bits(up), bits(out + r * f), f);
        });
    });
    return activation;
}

at::Tensor swiglu_backward(at::Tensor const& d_activation, at::Tensor const& gate_up) {
    if (!has_loops(gate_up)) return device::swiglu_backward(d_activation, gate_up);
    std::int64_t const f = gate_up.size(1) / 2;
    at::Tensor d_gate_up = at::empty_like(gate_up);
    GATESWEEP_DISPATCH(gate_up.scalar_type(), "swiglu_backward", [&] {
        auto const* in = gate_up.const_data_ptr<scalar_t>();
        auto const* grad = d_activation.const_data_ptr<scalar_t>();
        auto* out = d_gate_up.data_ptr<scalar_t>();
        for_each_row(gate_up.size(0), f, [&](std::int64_t r) {
            scalar_t const *gate = in + r * 2 * f, *up = gate + f;
            scalar_t *d_gate = out + r * 2 * f, *d_up = d_gate + f;
            swiglu_backward_row(bits(grad + r * f), bits(gate), bits(up), bits(d_gate), bits(d_up), f);
        });
    });
    return d_gate_up;
}

void rotate_heads(at::Tensor x, at::Tensor const& positions, RotaryTable const& table, Rotation rotation) {
    if (!has_loops(x)) return device::rotate_heads(x, positions, table, rotation);
    std::int64_t const heads = x.size(1), half = x.size(2) / 2;
    GATESWEEP_DISPATCH(x.scalar_type(), "rotate_heads", [&] {
        auto* data = x.data_ptr<scalar_t>();
        auto const* position = positions.const_data_ptr<std::int64_t>();
        auto const *cos = table.cos.const_data_ptr<scalar_t>(), *sin = table.sin.const_data_ptr<scalar_t>();
        float const sign = rotation == Rotation::forward ? 1.0F : -1.0F;
        for_each_row(x.size(0), heads * half, [&](std::int64_t t) {
            scalar_t const *c = cos + position[t] * half, *s = sin + position[t] * half;
            for (std::int64_t h = 0; h < heads; ++h) {
                scalar_t* const first = data + t * x.stride(0) + h * x.stride(1);
                rotate_row(bits(first), bits(first + half), bits(c), bits(s), sign, half);
            }
        });
    });
}

at::Tensor row_lengths(at::Tensor const& x) {
    if (!has_loops(x)) return generic::row_lengths(x);
    at::Tensor lengths = at::empty({x.size(0)}, at::kDouble);
    std::int64_t const n = x.size(1);
    GATESWEEP_DISPATCH(x.scalar_type(), "row_lengths", [&] {
        auto const* in = x.const_data_ptr<scalar_t>();
        auto* out = lengths.data_ptr<double>();
        for_each_row(x.size(0), n, [&](std::int64_t r) {
            out[r] = std::sqrt(static_cast<double>(dot_row(bits(in + r * n), bits(in + r * n), n)));
        });
    });
    return lengths;
}

at::Tensor row_sums(at::Tensor const& x) {
    return device::row_sums(x);
}

}  // namespace gatesweep
