// Phi's two steps to two experts (router.h), composed of ATen calls.
#pragma once

#include <ATen/ATen.h>

#include "gatesweep/ops/router.h"

namespace gatesweep::generic {

// Softmaxes [T,2,E] of the two steps: scores [T,E], ids [T,2] of the largest, the larger one first.
at::Tensor sparsemixer(at::Tensor const& scores, at::Tensor const& ids, double threshold);
// route_backward's, of a routing with slot_probabilities.
at::Tensor sparsemixer_backward(Routing const& routing, at::Tensor const& d_routing_weights);

}  // namespace gatesweep::generic
