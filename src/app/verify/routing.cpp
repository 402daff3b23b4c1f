#include "routing.h"

#include <fmt/format.h>

#include <set>

#include "gatesweep/signal/gate_gradients.h"

namespace gatesweep {
namespace {

class Examiner final : public RoutingObserver {
public:
    explicit Examiner(RoutingExamination& result) : result_(result) {}

    void on_routing(std::int64_t, PackedBatch const&, Routing const& routing) override { routings.push_back(routing); }

    void on_router_gradient(std::int64_t, PackedBatch const& batch, Routing const& routing,
                            at::Tensor const& d_router_logits, at::Tensor const& router_input) override {
        examine_choices(result_, routing);
        for (double imbalance : gate_gradient_scores(batch, routing, d_router_logits, router_input).imbalance) {
            raise(result_.imbalance, imbalance);
        }
    }

    std::vector<Routing> routings;  // by layer

private:
    RoutingExamination& result_;
};

}  // namespace

void examine_choices(RoutingExamination& result, Routing const& routing) {
    std::int64_t const k = routing.top_k(), num_experts = routing.num_experts;
    at::Tensor const ids = routing.expert_ids;
    if (routing.margins.defined())  // else there is no choice to be near to
        result.near_ties += routing.margins.lt(near_tie).sum().item<std::int64_t>();
    for (std::int64_t t = 0; t < routing.num_tokens(); ++t) {
        auto const* id = ids.const_data_ptr<std::int64_t>() + t * k;
        std::set<std::int64_t> const chosen(id, id + k);
        bool const in_range = *chosen.begin() >= 0 && *chosen.rbegin() < num_experts;
        ++result.num_choices;
        result.wrong_choices += static_cast<std::int64_t>(chosen.size()) != k || !in_range;
    }
}

void examine_prefix(RoutingExamination& result, Routing const& whole, Routing const& prefix) {
    for (std::int64_t t = 0; t < prefix.num_tokens(); ++t) {
        ++result.prefix_choices;
        result.prefix_moved += !at::equal(whole.expert_ids[t], prefix.expert_ids[t]);
        result.prefix_unequal += !at::equal(whole.routing_weights[t], prefix.routing_weights[t]);
    }
}

RoutingExamination examine_routing(Decoder const& model, std::vector<std::vector<std::int32_t>> const& prompts,
                                   Part part) {
    RoutingExamination result;
    for (auto const& prompt : prompts) {
        auto const pass = [&](std::vector<std::vector<std::int32_t>> const& ids) {
            return part == Part::examiner ? pack(ids) : pack({});
        };
        Examiner whole(result), prefix(result);
        model.forward_backward(pass({prompt}), whole, TapePolicy::recompute);
        auto const half = static_cast<std::ptrdiff_t>(prompt.size() / 2);
        if (half < 2) continue;  // a loss needs two tokens
        if (model.config().rope_scaling.changes_between(half, std::ssize(prompt))) continue;
        model.forward(pass({{prompt.begin(), prompt.begin() + half}}), prefix);
        for (std::size_t l = 0; l < whole.routings.size(); ++l)
            examine_prefix(result, whole.routings[l], prefix.routings[l]);
    }
    return result;
}

std::vector<Check> routing_checks(RoutingExamination const& r, SignalsDifference const& allowed) {
    bool const bits = allowed.moved == 0;
    double const moved = static_cast<double>(r.prefix_moved), prefix_choices = static_cast<double>(r.prefix_choices);
    bool const prefix_holds = moved <= allowed.moved * prefix_choices && (!bits || r.prefix_unequal == 0);
    return {
        {"choices", "every choice is top-k different experts",
         fmt::format("{} of {} are not", r.wrong_choices, r.num_choices), "0", judge(r.wrong_choices == 0)},
        {"gradient sums", "gate gradients sum to zero over experts",
         fmt::format("{:.2g} of what rounding leaves", r.imbalance), "1", judge(r.imbalance <= 1.0)},
        {"prefix", "choices for half a prompt = those in the whole prompt",
         fmt::format("{} of {} moved, {} weights differ", r.prefix_moved, r.prefix_choices, r.prefix_unequal),
         bits ? "equal" : fmt::format("{:.0e} moved", allowed.moved), judge(prefix_holds)},
        {"near ties", fmt::format("k-th and next probability less than {:.0e} apart", near_tie),
         fmt::format("{} of {}", r.near_ties, r.num_choices), "", Verdict::note},
    };
}

}  // namespace gatesweep
