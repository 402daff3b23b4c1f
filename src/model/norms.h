// Private to model: the norm of hidden states, RMSNorm or, where the weights have a bias, LayerNorm.
#pragma once

#include "gatesweep/ops/row_ops.h"

namespace gatesweep {

inline at::Tensor normed(at::Tensor const& x, at::Tensor const& weight, at::Tensor const& bias, double eps) {
    return bias.defined() ? layer_norm(x, weight, bias, eps) : rms_norm(x, weight, eps);
}

// Gradient to x.
inline at::Tensor normed_backward(at::Tensor const& dy, at::Tensor const& x, at::Tensor const& weight,
                                  at::Tensor const& bias, double eps) {
    return bias.defined() ? layer_norm_backward(dy, x, weight, eps) : rms_norm_backward(dy, x, weight, eps);
}

}  // namespace gatesweep
