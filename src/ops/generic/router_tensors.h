// The router's part of generic_ops.h.
#pragma once

#include <ATen/ATen.h>

#include "gatesweep/ops/router.h"

namespace gatesweep::generic {

Routing route(at::Tensor const& router_logits, RouteRule const& rule, RowEdits const& edits = {});
Routing route_on_device(at::Tensor const& router_logits, RouteRule const& rule, RowEdits const& edits,
                        at::Tensor const& all_finite);
// What route_on_device chose, with the expert ids on the host. Errors: bad_data, route's. Waits for the device.
Routing on_host(Routing routing, at::Tensor const& all_finite);
at::Tensor route_backward(Routing const& routing, at::Tensor const& d_routing_weights);
at::Tensor router_input_gradient(Routing const& routing, at::Tensor const& d_router_logits,
                                 at::Tensor const& gate_weight);
at::Tensor combine(at::Tensor const& slot_outputs, Routing const& routing);
CombineGradient combine_backward(at::Tensor const& dy, at::Tensor const& slot_outputs, Routing const& routing);

}  // namespace gatesweep::generic
