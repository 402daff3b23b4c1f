#include "router_tensors.h"

#include <limits>
#include <optional>
#include <tuple>

#include "sparsemixer_tensors.h"
#include "up.h"

namespace gatesweep::generic {
namespace {

// Edits of all rows as tensors: what rows of one mode do is selected where that mode is meant.
struct EditTensors {
    at::Tensor values;  // [T,E]
    at::Tensor modes;   // [T,1] int64, -1: none

    EditTensors(RowEditTensors const& edits, at::TensorOptions options)
        : values(edits.values.index_select(0, edits.entries).to(options)),
          modes(edits.modes.index_select(0, edits.entries).to(at::kLong).unsqueeze(1)) {}
    at::Tensor is(EditMode mode) const { return modes.eq(static_cast<std::int64_t>(mode)); }

    at::Tensor logits(at::Tensor const& z) const {
        at::Tensor const s = at::log_softmax(z, -1);
        at::Tensor const top = s.amax(-1, true) + 0.01, bottom = s.amin(-1, true) - 0.01;
        at::Tensor const steered = at::where(values.gt(0), top, at::where(values.lt(0), bottom, s));
        at::Tensor const masked = z.masked_fill(values.ne(0), -std::numeric_limits<double>::infinity());
        return at::where(is(EditMode::mask), masked,
                         at::where(is(EditMode::bias), z + values, at::where(is(EditMode::steer), steered, z)));
    }
    at::Tensor weights(at::Tensor const& w, at::Tensor const& expert_ids) const {
        at::Tensor const kept = w.masked_fill(values.gather(1, expert_ids).ne(0), 0.0), left = kept.sum(-1, true);
        at::Tensor const scaled = kept / at::where(left.eq(0), at::ones_like(left), left);
        return at::where(is(EditMode::zero), kept, at::where(is(EditMode::zero_renormalise), scaled, w));
    }
};

// Probabilities [T,E] with zeros outside the groups that the rule keeps, and by how much the last of those is ahead
// [T].
struct KeptGroups {
    at::Tensor p, ahead;

    KeptGroups(RouteRule const& rule, at::Tensor const& all) : p(all) {
        if (rule.kept_groups == rule.num_groups) return;
        at::Tensor const members = all.view({all.size(0), rule.num_groups, all.size(1) / rule.num_groups});
        auto const sorted = at::sort(members.amax(-1), std::optional<bool>(true), -1, true);
        ahead = std::get<0>(sorted).select(1, rule.kept_groups - 1) - std::get<0>(sorted).select(1, rule.kept_groups);
        at::Tensor const left_out = std::get<1>(sorted).slice(1, rule.kept_groups);
        p = members.masked_fill(at::zeros_like(std::get<1>(sorted)).scatter(1, left_out, 1).to(at::kBool).unsqueeze(-1),
                                0.0);
        p = p.reshape(all.sizes());
    }
};

}  // namespace

Routing route(at::Tensor const& router_logits, RouteRule const& rule, RowEdits const& edits) {
    at::Tensor const all_finite = at::ones({}, router_logits.options().dtype(at::kBool));
    return on_host(generic::route_on_device(router_logits, rule, edits, all_finite), all_finite);
}

Routing on_host(Routing routing, at::Tensor const& all_finite) {
    validate_finite(all_finite);
    routing.expert_ids = routing.expert_ids.to(at::kCPU);
    return routing;
}

Routing route_on_device(at::Tensor const& router_logits, RouteRule const& rule, RowEdits const& edits,
                        at::Tensor const& all_finite) {
    std::int64_t const top_k = rule.top_k;
    at::Tensor const z = up(router_logits);
    all_finite.logical_and_(z.isfinite().all());
    std::optional<EditTensors> edit;
    RowEditTensors const tensors = tensors_of(edits, z.device());
    if (tensors.entries.defined()) edit.emplace(tensors, z.options());
    at::Tensor const scores = edit ? edit->logits(z) : z, p = at::softmax(scores, -1);
    KeptGroups const kept(rule, p);
    // A stable descending sort keeps equal probabilities in ascending expert id; topk promises no order of ties.
    auto const sorted = at::sort(rule.chooses_by_logits() ? scores : kept.p, std::optional<bool>(true), -1, true);
    at::Tensor const largest = std::get<0>(sorted).slice(1, 0, top_k);
    at::Tensor const ids = std::get<1>(sorted).slice(1, 0, top_k);
    auto const ascending = at::sort(ids, -1);
    Routing routing;
    routing.num_experts = router_logits.size(1);
    routing.scale = rule.scale;
    if (top_k < routing.num_experts) {
        at::Tensor const ordered = kept.p.gather(1, std::get<1>(sorted).slice(1, top_k - 1, top_k + 1));
        routing.margins = ordered.select(1, 0) - ordered.select(1, 1);
        if (kept.ahead.defined()) routing.margins = at::minimum(routing.margins, kept.ahead);
    }
    if (rule.threshold) {
        routing.slot_probabilities = sparsemixer(scores, ids, *rule.threshold);
    } else if (!rule.renormalise) {
        routing.probabilities = p;
    }
    at::Tensor const weights = rule.threshold      ? routing.slot_probabilities.gather(2, ids.unsqueeze(2)).squeeze(2)
                               : rule.chosen_first ? at::softmax(largest, -1)
                               : rule.renormalise  ? largest / largest.sum(-1, true)
                                                   : largest;
    routing.routing_weights = weights.gather(1, std::get<1>(ascending));
    if (edit) routing.routing_weights = edit->weights(routing.routing_weights, std::get<0>(ascending));
    if (rule.scale != 1.0) routing.routing_weights = routing.routing_weights * rule.scale;
    routing.expert_ids = std::get<0>(ascending).contiguous();
    if (rule.threshold)
        routing.slot_probabilities = routing.slot_probabilities.gather(
            1, std::get<1>(ascending).unsqueeze(2).expand(routing.slot_probabilities.sizes()));
    return routing;
}

at::Tensor route_backward(Routing const& routing, at::Tensor const& d_routing_weights) {
    if (routing.slot_probabilities.defined()) return sparsemixer_backward(routing, d_routing_weights);
    bool const of_all = routing.probabilities.defined();
    at::Tensor const wide = (of_all ? routing.probabilities : routing.routing_weights).to(at::kDouble);
    at::Tensor dw = d_routing_weights.to(at::kDouble);
    if (of_all) {
        dw = at::zeros_like(wide).scatter(1, routing.expert_ids.to(dw.device()), dw);
    } else {
        dw = dw - dw.slice(1, 0, 1);  // of equal experts nothing is left, not the last place of a mean
    }
    at::Tensor const w = wide / wide.sum(-1, true);
    return (w * (dw - (w * dw).sum(-1, true)) * routing.scale).to(d_routing_weights.scalar_type());
}

at::Tensor router_input_gradient(Routing const& routing, at::Tensor const& d_router_logits,
                                 at::Tensor const& gate_weight) {
    at::Tensor dense = at::zeros({routing.num_tokens(), routing.num_experts}, d_router_logits.options());
    dense.scatter_(1, experts_of_gradient(routing).to(dense.device()), d_router_logits);
    return at::matmul(dense.to(gate_weight.scalar_type()), gate_weight);
}

at::Tensor combine(at::Tensor const& slot_outputs, Routing const& routing) {
    std::int64_t const k = routing.top_k();
    at::Tensor const slots = up(slot_outputs).view({-1, k, slot_outputs.size(1)});
    at::Tensor sum = slots.select(1, 0) * routing.routing_weights.slice(1, 0, 1);
    for (std::int64_t i = 1; i < k; ++i)
        sum = sum + slots.select(1, i) * routing.routing_weights.slice(1, i, i + 1);
    return sum.to(slot_outputs.scalar_type());
}

CombineGradient combine_backward(at::Tensor const& dy, at::Tensor const& slot_outputs, Routing const& routing) {
    std::int64_t const k = routing.top_k(), d = dy.size(1);
    at::Tensor const g = up(dy).unsqueeze(1), slots = up(slot_outputs).view({-1, k, d});
    at::Tensor const df = (routing.routing_weights.unsqueeze(-1) * g).to(dy.scalar_type());
    return {df.view({-1, d}), (g * slots).sum(-1)};
}

}  // namespace gatesweep::generic
