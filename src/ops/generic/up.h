// Private to ops: the type that values are computed in.
#pragma once

#include <ATen/ATen.h>

namespace gatesweep::generic {

// In float32; float64 stays.
inline at::Tensor up(at::Tensor const& x) {
    return x.to(x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
}

}  // namespace gatesweep::generic
