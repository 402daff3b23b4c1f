// Turns the router events of a pass into rows of Signals.
#pragma once

#include <span>

#include "gatesweep/signal/signals.h"

namespace gatesweep {

class SignalCollector final : public RoutingObserver {
public:
    // prompts[i] is the row of `signals` that prompt i of the batch belongs to.
    SignalCollector(Signals& signals, std::span<std::int64_t const> prompts, WantedMeasures const& wanted)
        : signals_(signals), prompts_(prompts), wanted_(wanted) {}

    void on_routing(std::int64_t row, PackedBatch const& batch, Routing const& routing) override;
    void on_router_gradient(std::int64_t row, PackedBatch const& batch, Routing const& routing,
                            at::Tensor const& d_router_logits, at::Tensor const& router_input) override;
    void on_expert_outputs(std::int64_t row, PackedBatch const& batch, Routing const& routing,
                           at::Tensor const& slot_outputs) override;
    void on_margin_gradient(std::int64_t row, PackedBatch const& batch, Routing const& routing,
                            at::Tensor const& d_router_logits) override;

private:
    void count_near_ties(std::int64_t row, PackedBatch const& batch, Routing const& routing);
    // Where the measure is wanted: values [T,n] of experts [T,n], summed over the tokens of each prompt.
    void sum_by_expert(Measure kind, std::int64_t row, PackedBatch const& batch, at::Tensor const& experts,
                       at::Tensor const& values);

    Signals& signals_;
    std::span<std::int64_t const> prompts_;
    WantedMeasures const& wanted_;
};

}  // namespace gatesweep
