// Routers that keep some groups of experts and multiply the weights of the chosen.
#include "gatesweep/ops/router.h"
#include "ops/generic/generic_ops.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

RouteRule rule(std::int64_t top_k, std::int64_t num_groups, std::int64_t kept_groups, double scale = 1.0,
               bool renormalise = false) {
    RouteRule rule(top_k, renormalise);
    rule.num_groups = num_groups;
    rule.kept_groups = kept_groups;
    rule.scale = scale;
    return rule;
}

TEST(KeptGroups, TakeTheLargestOfTheBestGroupsAlone) {
    // Groups {0,1,2}, {3,4,5}, {6,7,8}: the first has the best expert, the last the next best.
    at::Tensor const logits = at::tensor({5.0F, 0.0F, 1.0F, 3.0F, 3.5F, 3.2F, 4.0F, 0.5F, 0.2F}).unsqueeze(0);
    at::Tensor const p = at::softmax(logits, -1)[0];
    for (auto const& routing : {route(logits, rule(3, 3, 2, 2.0)), generic::route(logits, rule(3, 3, 2, 2.0))}) {
        EXPECT_TRUE(at::equal(routing.expert_ids, at::tensor({0, 2, 6}, at::kLong).unsqueeze(0)));
        EXPECT_LE(relative_error(routing.routing_weights[0], 2.0 * p.index_select(0, routing.expert_ids[0])), 1e-6);
        EXPECT_LE(relative_error(routing.probabilities[0], p), 1e-6);
        // The distance of the groups, 4 and 3.5, is greater than that of experts 2 and 7.
        EXPECT_NEAR(routing.margins.item<float>(), (p[2] - p[7]).item<float>(), 1e-7);
    }
    for (auto const& routing : {route(logits, rule(1, 3, 1)), generic::route(logits, rule(1, 3, 1))})
        EXPECT_NEAR(routing.margins.item<float>(), (p[0] - p[6]).item<float>(), 1e-7);
}

TEST(KeptGroups, BreakTiesByTheLowerGroup) {
    at::Tensor const logits = at::tensor({1.0F, 0.0F, 1.0F, 0.5F, 0.9F, 1.0F}).unsqueeze(0);
    for (auto const& routing : {route(logits, rule(3, 3, 2)), generic::route(logits, rule(3, 3, 2))}) {
        EXPECT_TRUE(at::equal(routing.expert_ids, at::tensor({0, 2, 3}, at::kLong).unsqueeze(0)));
        EXPECT_EQ(routing.margins.item<float>(), 0.0F);
    }
}

TEST(KeptGroups, EqualTheReferenceUnderEveryEdit) {
    for (auto dtype : storage_types()) {
        at::Tensor const logits = random_tensor({23, 12}, dtype, 5) * 3;
        for (bool const renormalise : {false, true}) {
            for (auto const mode :
                 {EditMode::mask, EditMode::zero, EditMode::zero_renormalise, EditMode::steer, EditMode::bias}) {
                RouterEdits table(1, 12);
                std::vector<RouterEdit> const edits = {{0, 1, 1.0}, {0, 2, -1.0}, {0, 7, 1.0}, {0, 8, -1.0}};
                std::vector<std::int32_t> const entries(
                    23, table.entry(table.add(mode, EditScope::both, edits), 0, Phase::prefill));
                RowEdits const rows{&table, entries};
                RouteRule const limited = rule(4, 4, 2, 1.5, renormalise);
                Routing const routing = route(logits, limited, rows), reference = generic::route(logits, limited, rows);
                EXPECT_TRUE(at::equal(routing.expert_ids, reference.expert_ids));
                EXPECT_LE(relative_error(routing.routing_weights, reference.routing_weights), 1e-6);
                EXPECT_LE(relative_error(routing.margins, reference.margins), 1e-5);
                EXPECT_FALSE(at::equal(routing.expert_ids, route(logits, rule(4, 1, 1), rows).expert_ids));
                if (mode != EditMode::zero_renormalise) continue;
                at::Tensor const sums = routing.routing_weights.sum(1);
                EXPECT_TRUE(at::logical_or(sums.eq(0), (sums - 1.5).abs().lt(1e-5)).all().item<bool>());
            }
        }
    }
}

TEST(KeptGroups, GradientIsThatOfTheWeights) {
    for (bool const renormalise : {false, true}) {
        RouteRule const limited = rule(3, 3, 2, 2.5, renormalise);
        at::Tensor const logits = random_tensor({6, 9}, at::kDouble, 1) * 3, dw = random_tensor({6, 3}, at::kDouble, 2);
        Routing const routing = route(logits, limited);
        at::Tensor const numeric =
            finite_difference([&](at::Tensor const& z) { return route(z, limited).routing_weights; }, logits, dw);
        at::Tensor const dz =
            at::zeros_like(logits).scatter(1, experts_of_gradient(routing), route_backward(routing, dw));
        EXPECT_LE(relative_error(dz, numeric), 1e-7);
        EXPECT_LE(relative_error(generic::route_backward(routing, dw), route_backward(routing, dw)), 1e-12);
    }
}

TEST(KeptGroups, LeaveTheKernelToPlainRouters) {
    EXPECT_TRUE(RouteRule(2).is_plain());
    EXPECT_TRUE(rule(2, 4, 4, 1.0, true).is_plain());
    EXPECT_FALSE(rule(2, 1, 1, 1.0, false).is_plain());
    EXPECT_FALSE(rule(2, 1, 1, 2.0, true).is_plain());
    EXPECT_FALSE(rule(2, 4, 2, 1.0, true).is_plain());
    RouteRule chosen_first(2), mixer(2);
    chosen_first.chosen_first = true;
    mixer.threshold = 0.1;
    EXPECT_FALSE(chosen_first.is_plain());
    EXPECT_FALSE(mixer.is_plain());
}

}  // namespace
}  // namespace gatesweep
