// The router: where tokens go. The one place where experts are chosen.
//
// Shape legend of this project: T tokens of the batch, D model, F ffn, E experts, K top-k, N = T*K routed slots,
// R rows received by this rank, L layers, P prompts, V vocabulary.
//
// Rule (Hugging Face transformers): softmax of the router logits over all E in float32, the K largest, ties to the
// lower expert id, renormalised to sum 1 where the model's rule says so, times its factor. Where the rule keeps some
// groups of experts, the K largest are looked for among the experts of the groups with the largest probabilities, ties
// to the lower group. Slots of a token are kept in ascending expert id, which is the order in which the experts'
// outputs are added.
//
// Sparsemixer (Phi-3.5-MoE; transformers in evaluation mode) takes the two largest logits, ties to the lower id, in two
// steps. In each the best logit M left is looked at, without the expert of the step before: experts z with
// (M - z) / max(|z|, M) above the threshold are left out, and the weight is the softmax over the others. The two
// weights do not sum to one, and they change when all logits are shifted. Where M is a tie or an expert stands at the
// threshold, weights jump. Where no expert is left, the slot has weight 0.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>

#include "gatesweep/ops/router_edits.h"
#include "gatesweep/ops/row_edit_tensors.h"

namespace gatesweep {

// How many experts a token takes, out of which, and what becomes of their weights (RouterRule of the model).
struct RouteRule {
    std::int64_t top_k = 0;
    bool renormalise = true;
    double scale = 1.0;
    std::int64_t num_groups = 1, kept_groups = 1;
    // The K largest logits are chosen and the softmax is over them alone: renormalised weights, but for rounding, also
    // where probabilities are too small to tell logits apart.
    bool chosen_first = false;
    std::optional<double> threshold = {};  // sparsemixer's: top_k is 2 then, without groups or a factor

    RouteRule(std::int64_t num_chosen, bool sums_to_one = true) : top_k(num_chosen), renormalise(sums_to_one) {}
    // The K largest of all, their weights made to sum to one: what the GPU's kernel computes.
    bool is_plain() const {
        return renormalise && scale == 1.0 && num_groups == kept_groups && !chosen_first && !threshold;
    }
    // Whether the logits themselves say who is chosen, not their softmax, in which small ones may be equal.
    bool chooses_by_logits() const { return chosen_first || threshold; }
};

struct Routing {
    at::Tensor expert_ids;       // [T,K] int64, ascending within a token, on the CPU (or where route_on_device says)
    at::Tensor routing_weights;  // [T,K] float32 (float64 for a float64 model), on the model's device
    std::int64_t num_experts = 0;
    // [T], the same type and device: probability of the last expert chosen minus that of the first not chosen, after
    // edits; 0 is a tie. Where groups are kept: or of the last group kept minus that of the first left out, if less.
    // Undefined where all experts are chosen.
    at::Tensor margins = {};
    // [T,E], the same type and device: softmax over all experts, after edits of the logits. Undefined where weights are
    // renormalised: there the experts that were not chosen have no gradient.
    at::Tensor probabilities = {};
    double scale = 1.0;  // that the weights hold
    // [T,2,E], the same type and device, of sparsemixer: the softmax of each slot's step.
    at::Tensor slot_probabilities = {};

    std::int64_t num_tokens() const { return expert_ids.size(0); }
    std::int64_t top_k() const { return expert_ids.size(1); }
    // Whether experts that were not chosen have a gradient.
    bool has_gradient_of_all() const { return probabilities.defined() || slot_probabilities.defined(); }
};

// router_logits [T,E] in the model's type; `edits` as router_edits.h defines them.
// Errors: ExitCode::bad_data when a logit is NaN or infinite.
Routing route(at::Tensor const& router_logits, RouteRule const& rule, RowEdits const& edits = {});

// The same without waiting for a GPU: the expert ids stay there, and a logit that is not finite is no error yet, but
// turns `all_finite` (one bool on the device, true at first) false. On the CPU it is route.
Routing route_on_device(at::Tensor const& router_logits, RouteRule const& rule, RowEdits const& edits,
                        at::Tensor const& all_finite);
// Errors: bad_data, route's, where `all_finite` has become false. Waits for the device.
void validate_finite(at::Tensor const& all_finite);

// d loss / d router logits, in the type of the routing weights. Where weights are renormalised: of the chosen experts,
// [T,K]; those of all others are exactly zero: dz_i = w_i (dw_i - sum_j w_j dw_j). Else of all experts, [T,E]:
// dz_e = p_e (dw_e - sum_j p_j dw_j), j over the chosen, and dw_e = 0 where e was not chosen. Of sparsemixer the same
// of each step, summed over both: which experts a step leaves out counts as a constant, and the second step gives no
// gradient to the expert of the first. Any way a token's sum is zero, and the rule's factor
// multiplies it all (sparsemixer has none). The routing is one without edits.
at::Tensor route_backward(Routing const& routing, at::Tensor const& d_routing_weights);
// Which expert each of those columns belongs to: [T,K] or [T,E] int64, where the expert ids are.
at::Tensor experts_of_gradient(Routing const& routing);

// Gradient to the router's input: sum over those experts of dz * gate_weight row: [T,D] in the type of gate_weight.
at::Tensor router_input_gradient(Routing const& routing, at::Tensor const& d_router_logits,
                                 at::Tensor const& gate_weight);

// Weighted sum of the experts' outputs, added in slot order in float32; slots of weight 0 are passed over:
// slot_outputs [T*K, D] -> [T,D].
at::Tensor combine(at::Tensor const& slot_outputs, Routing const& routing);

struct CombineGradient {
    at::Tensor d_slot_outputs;     // [T*K, D]
    at::Tensor d_routing_weights;  // [T,K]
};
CombineGradient combine_backward(at::Tensor const& dy, at::Tensor const& slot_outputs, Routing const& routing);

}  // namespace gatesweep
