#include "device_ops.h"

#include "gatesweep/ops/cached_attention.h"
#include "ops/cuda/cuda_ops.h"
#include "ops/cuda/flash_attention.h"
#include "ops/generic/generic_ops.h"

namespace gatesweep::device {

at::Tensor attention(AttentionInput const& in) {
    return cuda::kernels_wanted() && flash::takes(in) ? flash::attention(in) : generic::attention(in);
}

AttentionGradient attention_backward(AttentionInput const& in, at::Tensor const& d_output) {
    return cuda::kernels_wanted() && flash::takes(in) ? flash::attention_backward(in, d_output)
                                                      : generic::attention_backward(in, d_output);
}

at::Tensor rms_norm(at::Tensor const& x, at::Tensor const& weight, double eps) {
    if constexpr (cuda::is_built) {
        if (cuda::has_kernels(x)) return cuda::rms_norm(x, weight, eps);
    }
    return generic::rms_norm(x, weight, eps);
}

at::Tensor rms_norm_backward(at::Tensor const& dy, at::Tensor const& x, at::Tensor const& weight, double eps) {
    if constexpr (cuda::is_built) {
        if (cuda::has_kernels(x)) return cuda::rms_norm_backward(dy, x, weight, eps);
    }
    return generic::rms_norm_backward(dy, x, weight, eps);
}

at::Tensor swiglu(at::Tensor const& gate_up) {
    if constexpr (cuda::is_built) {
        if (cuda::has_kernels(gate_up)) return cuda::swiglu(gate_up);
    }
    return generic::swiglu(gate_up);
}

at::Tensor swiglu_backward(at::Tensor const& d_activation, at::Tensor const& gate_up) {
    if constexpr (cuda::is_built) {
        if (cuda::has_kernels(gate_up)) return cuda::swiglu_backward(d_activation, gate_up);
    }
    return generic::swiglu_backward(d_activation, gate_up);
}

void rotate_heads(at::Tensor x, at::Tensor const& positions, RotaryTable const& table, Rotation rotation) {
    if constexpr (cuda::is_built) {
        if (cuda::has_kernels(x)) return cuda::rotate_heads(x, positions.to(x.device()), table, rotation);
    }
    generic::rotate_heads(x, positions, table, rotation);
}

at::Tensor row_sums(at::Tensor const& x) {
    if constexpr (cuda::is_built) {
        if (cuda::has_kernels_on(x.device())) return cuda::row_sums(x);
    }
    return x.sum(-1);
}

at::Tensor combine(at::Tensor const& slot_outputs, Routing const& routing) {
    if constexpr (cuda::is_built) {
        if (cuda::has_kernels(slot_outputs)) return cuda::combine(slot_outputs, routing.routing_weights);
    }
    return generic::combine(slot_outputs, routing);
}

CombineGradient combine_backward(at::Tensor const& dy, at::Tensor const& slot_outputs, Routing const& routing) {
    if constexpr (cuda::is_built) {
        if (cuda::has_kernels(dy)) return cuda::combine_backward(dy, slot_outputs, routing.routing_weights);
    }
    return generic::combine_backward(dy, slot_outputs, routing);
}

Routing route_on_device(at::Tensor const& router_logits, RouteRule const& rule, RowEdits const& edits,
                        at::Tensor const& all_finite) {
    if constexpr (cuda::is_built) {
        if (cuda::has_kernels(router_logits) && cuda::can_route(router_logits.size(1)) && rule.is_plain())
            return cuda::route(router_logits, rule.top_k, tensors_of(edits, router_logits.device()), all_finite);
    }
    return generic::route_on_device(router_logits, rule, edits, all_finite);
}

Routing route(at::Tensor const& router_logits, RouteRule const& rule, RowEdits const& edits) {
    at::Tensor const all_finite = at::ones({}, router_logits.options().dtype(at::kBool));
    return generic::on_host(device::route_on_device(router_logits, rule, edits, all_finite), all_finite);
}

at::Tensor cached_attention(CachedAttentionInput const& in) {
    if constexpr (cuda::is_built) {
        if (cuda::has_kernels(in.q) && cuda::can_attend(in.q.size(2))) return cuda::cached_attention(in);
    }
    return generic::cached_attention(in);
}

}  // namespace gatesweep::device
