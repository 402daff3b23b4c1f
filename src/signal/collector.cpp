#include "collector.h"

#include <algorithm>

#include "gatesweep/base/error.h"
#include "gatesweep/ops/row_ops.h"
#include "gatesweep/signal/activation_counts.h"
#include "gatesweep/signal/gate_gradients.h"

namespace gatesweep {

void SignalCollector::count_near_ties(std::int64_t row, PackedBatch const& batch, Routing const& routing) {
    if (!routing.margins.defined()) return;
    at::Tensor const margins = routing.margins.to(at::kCPU, at::kDouble).contiguous();
    auto const* const margin = margins.const_data_ptr<double>();
    for (std::int64_t p = 0; p < batch.num_prompts(); ++p) {
        for (std::int64_t scale = 0; scale < 2; ++scale) {
            signals_.near_ties.at(prompts_[p], row, scale) =
                std::count_if(margin + batch.offsets[p], margin + batch.offsets[p + 1],
                              [&](double m) { return m < near_tie_margins[scale]; });
        }
    }
}

void SignalCollector::on_routing(std::int64_t row, PackedBatch const& batch, Routing const& routing) {
    count_near_ties(row, batch, routing);
    auto const counts = activation_counts(batch, routing);
    std::int64_t const num_experts = routing.num_experts;
    for (std::int64_t p = 0; p < batch.num_prompts(); ++p) {
        std::int64_t sum = 0;
        for (std::int64_t e = 0; e < num_experts; ++e) {
            sum += signals_.activation_counts.at(prompts_[p], row, e) = counts[p * num_experts + e];
        }
        std::int64_t const expected = routing.top_k() * (batch.offsets[p + 1] - batch.offsets[p]);
        GATESWEEP_VALIDATE(
            sum == expected, ExitCode::internal,
            "prompt {}, layer {}: activation counts sum to {} instead of top-k x tokens = {} (the routing cannot "
            "be trusted): this is a mistake in gatesweep; please report it",
            prompts_[p], signals_.moe_layers.layer(row), sum, expected);
    }
}

void SignalCollector::on_router_gradient(std::int64_t row, PackedBatch const& batch, Routing const& routing,
                                         at::Tensor const& d_router_logits, at::Tensor const& router_input) {
    auto const result = gate_gradient_scores(batch, routing, d_router_logits, router_input);
    std::int64_t const num_experts = routing.num_experts;
    for (std::int64_t p = 0; p < batch.num_prompts(); ++p) {
        // Written so that a NaN fails.
        GATESWEEP_VALIDATE(
            result.imbalance[p] <= 1.0, ExitCode::internal,
            "prompt {}, layer {}: the gate gradient does not sum to zero over experts ({:.3g} times what rounding "
            "may leave): the weights overflow in this type, or this is a mistake in gatesweep; try float32",
            prompts_[p], signals_.moe_layers.layer(row), result.imbalance[p]);
        for (std::int64_t e = 0; e < num_experts; ++e) {
            signals_.gradient_scores.at(prompts_[p], row, e) = result.scores[p * num_experts + e];
        }
    }
}

// In token order, in float64: the order of the prompt alone.
void SignalCollector::sum_by_expert(Measure kind, std::int64_t row, PackedBatch const& batch, at::Tensor const& experts,
                                    at::Tensor const& values) {
    NdArray<double>& sums = signals_.measures.at(kind);
    at::Tensor const ids = experts.to(at::kCPU).contiguous(), numbers = values.to(at::kCPU, at::kDouble).contiguous();
    auto const* const id = ids.const_data_ptr<std::int64_t>();
    auto const* const number = numbers.const_data_ptr<double>();
    std::int64_t const num_columns = experts.size(1);
    for (std::int64_t p = 0; p < batch.num_prompts(); ++p) {
        if (kind == Measure::margin_gradient && !wanted_.wants_margin(prompts_[p])) continue;
        for (std::int64_t i = batch.offsets[p] * num_columns; i < batch.offsets[p + 1] * num_columns; ++i)
            sums.at(prompts_[p], row, id[i]) += number[i];
    }
}

void SignalCollector::on_expert_outputs(std::int64_t row, PackedBatch const& batch, Routing const& routing,
                                        at::Tensor const& slot_outputs) {
    if (wanted_.has(Measure::gate_mass))
        sum_by_expert(Measure::gate_mass, row, batch, routing.expert_ids, routing.routing_weights);
    if (!wanted_.has(Measure::output_norm)) return;
    at::Tensor const lengths = row_lengths(slot_outputs).view_as(routing.routing_weights);
    sum_by_expert(Measure::output_norm, row, batch, routing.expert_ids,
                  lengths * routing.routing_weights.to(at::kDouble));
}

void SignalCollector::on_margin_gradient(std::int64_t row, PackedBatch const& batch, Routing const& routing,
                                         at::Tensor const& d_router_logits) {
    if (wanted_.has(Measure::margin_gradient))
        sum_by_expert(Measure::margin_gradient, row, batch, experts_of_gradient(routing), d_router_logits);
}

}  // namespace gatesweep
