// Gradients of an adapter's matrices from one pass back, kept apart by the rank whose batch they are of, so that they
// can be added up in the order of the batches whoever computes them.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <vector>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/model/adapter.h"
#include "gatesweep/model/decoder.h"

namespace gatesweep {

// Looks on at a pass back of a model with an adapter.
class AdapterGradients final : public RoutingObserver {
public:
    // References outlive the object.
    AdapterGradients(Adapter const& adapter, ModelConfig const& config, ParallelLayout const& layout);

    // Of one pair, [ranks of the group, rank, in] and [ranks of the group, out, rank], float64 on the host: d loss / d
    // A and d loss / d B of that rank's batch. Undefined where this rank has computed none of it.
    struct Pair {
        at::Tensor a, b;
    };
    std::map<AdapterPlace, Pair> const& pairs() const { return pairs_; }
    void clear() { pairs_.clear(); }

    void on_routing(std::int64_t, PackedBatch const&, Routing const&) override {}
    void on_router_gradient(std::int64_t, PackedBatch const&, Routing const&, at::Tensor const&,
                            at::Tensor const&) override {}
    void on_adapter(std::int64_t layer, LayerWeights const& weights, LayerTape const& tape,
                    AdapterTape const& adapter) override;

private:
    // Of rows x [n,in] and the gradient [n,out] to what the pair made of them, of a rank's batch.
    void add(AdapterPlace const& place, LowRank const& pair, at::Tensor const& x, at::Tensor const& d_output,
             std::int64_t source);
    void add_experts(std::int64_t layer, ExpertWeights const& experts, LayerTape const& tape,
                     AdapterTape const& adapter);
    void add_heads(std::int64_t layer, HeadAdapter const& heads, AdapterTape const& adapter);

    Adapter const& adapter_;
    ModelConfig const& config_;
    ParallelLayout const& layout_;
    std::map<AdapterPlace, Pair> pairs_;
};

}  // namespace gatesweep
