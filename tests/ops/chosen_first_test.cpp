// Routers that choose by logits and weigh by the softmax over the chosen alone.
#include <limits>

#include "gatesweep/ops/router.h"
#include "ops/generic/generic_ops.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

RouteRule rule(std::int64_t top_k) {
    RouteRule rule(top_k);
    rule.chosen_first = true;
    return rule;
}

TEST(ChosenFirst, WeighsByTheSoftmaxOverTheChosen) {
    for (auto dtype : storage_types()) {
        at::Tensor const logits = random_tensor({11, 8}, dtype, 5) * 4;
        for (std::int64_t top_k : {1, 3, 8}) {
            Routing const routing = route(logits, rule(top_k)), reference = generic::route(logits, rule(top_k));
            at::Tensor const chosen = at::softmax(logits.to(at::kDouble).gather(1, routing.expert_ids), -1);
            EXPECT_LE(relative_error(routing.routing_weights, chosen), 1e-6);
            EXPECT_TRUE(at::equal(routing.expert_ids, reference.expert_ids));
            EXPECT_TRUE(at::equal(routing.expert_ids, route(logits, top_k).expert_ids));
            EXPECT_LE(relative_error(routing.routing_weights, reference.routing_weights), 1e-6);
            EXPECT_FALSE(routing.probabilities.defined());
            EXPECT_EQ(routing.margins.defined(), top_k < 8);
            if (top_k < 8) {
                EXPECT_TRUE(at::allclose(routing.margins, reference.margins, 1e-5, 1e-6));
            }
        }
    }
}

TEST(ChosenFirst, TellsLogitsApartWhoseProbabilitiesAreZero) {
    at::Tensor const logits =
        at::tensor(std::vector<float>{0, -300, 0, -250, -200, -350, 500, -300, -200, 0}).view({2, 5});
    for (Routing const& routing : {route(logits, rule(3)), generic::route(logits, rule(3))}) {
        EXPECT_TRUE(at::equal(routing.expert_ids,
                              at::tensor(std::vector<std::int64_t>{0, 2, 4, 1, 3, 4}, at::kLong).view({2, 3})));
        EXPECT_EQ(routing.routing_weights[0][0].item<float>(), 0.5F);
        EXPECT_EQ(routing.routing_weights[1][0].item<float>(), 1.0F);
    }
}

TEST(ChosenFirst, GivesTiesToTheLowerId) {
    at::Tensor const logits = at::tensor(std::vector<float>{1, 3, 3, 3, 5, 5, 5, 5}).view({2, 4});
    for (Routing const& routing : {route(logits, rule(2)), generic::route(logits, rule(2))}) {
        EXPECT_TRUE(
            at::equal(routing.expert_ids, at::tensor(std::vector<std::int64_t>{1, 2, 0, 1}, at::kLong).view({2, 2})));
        EXPECT_TRUE(routing.margins.eq(0).all().item<bool>());
    }
}

TEST(ChosenFirst, GradientStaysAmongTheChosen) {
    for (std::int64_t top_k : {1, 3, 6}) {
        at::Tensor const logits = random_tensor({4, 6}, at::kDouble, 1) * 3;
        at::Tensor const dw = random_tensor({4, top_k}, at::kDouble, 2);
        Routing const routing = route(logits, rule(top_k));
        at::Tensor const numeric =
            finite_difference([&](at::Tensor const& z) { return route(z, rule(top_k)).routing_weights; }, logits, dw);
        at::Tensor const of_all =
            at::zeros_like(logits).scatter(1, experts_of_gradient(routing), route_backward(routing, dw));
        EXPECT_TRUE(at::allclose(of_all, numeric, 0, 1e-8));
        EXPECT_LE((generic::route_backward(routing, dw) - route_backward(routing, dw)).abs().max().item<double>(),
                  1e-14);
    }
}

TEST(ChosenFirst, EditsActBeforeTheChoice) {
    constexpr std::int64_t num_experts = 6, num_tokens = 5, top_k = 3;
    at::Tensor const logits = random_tensor({num_tokens, num_experts}, at::kFloat, 7) * 2;
    RouterEdits table(1, num_experts);
    std::vector<RouterEdit> const few = {{0, 1, 1.0}, {0, 4, -1.0}};
    std::vector<RouterEdit> const many = {{0, 0, 1.0}, {0, 1, 1.0}, {0, 3, 1.0}, {0, 5, 1.0}};  // two are left
    for (std::vector<RouterEdit> const* edits : {&few, &many}) {
        for (auto const mode :
             {EditMode::mask, EditMode::zero, EditMode::zero_renormalise, EditMode::steer, EditMode::bias}) {
            std::int32_t const variant = table.add(mode, EditScope::both, *edits);
            std::vector<std::int32_t> const entries(num_tokens, table.entry(variant, 0, Phase::prefill));
            RowEdits const rows{&table, entries};
            Routing const routing = route(logits, rule(top_k), rows),
                          reference = generic::route(logits, rule(top_k), rows),
                          renormalised = route(logits, top_k, rows);
            EXPECT_TRUE(at::equal(routing.expert_ids, reference.expert_ids));
            EXPECT_LE(relative_error(routing.routing_weights, reference.routing_weights), 1e-6);
            // The same in exact arithmetic.
            EXPECT_TRUE(at::equal(routing.expert_ids, renormalised.expert_ids));
            EXPECT_LE(relative_error(routing.routing_weights, renormalised.routing_weights), 1e-6);
        }
    }
}

}  // namespace
}  // namespace gatesweep
