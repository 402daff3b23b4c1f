// Two experts in two steps: against the rule as it is written, the generic form, and finite differences.
#include <cmath>
#include <limits>
#include <vector>

#include "gatesweep/ops/router.h"
#include "ops/generic/generic_ops.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

RouteRule mixer(double threshold) {
    RouteRule rule(2, false);
    rule.threshold = threshold;
    return rule;
}

at::Tensor rows(std::vector<float> const& values, std::int64_t num_experts) {
    return at::tensor(values, at::kFloat).view({-1, num_experts});
}

void expect_weights(Routing const& routing, std::int64_t token, std::vector<std::int64_t> const& ids,
                    std::vector<double> const& weights) {
    for (std::size_t k = 0; k < 2; ++k) {
        EXPECT_EQ(routing.expert_ids[token][k].item<std::int64_t>(), ids[k]) << token;
        EXPECT_NEAR(routing.routing_weights[token][k].item<double>(), weights[k], 1e-6) << token;
    }
}

TEST(Sparsemixer, WeighsEachOfTwoAmongThoseNearToIt) {
    // Threshold 0.5. First row: to 4 the quotients are 0.25 (3), 0.5 (2, kept: not above), 0.75 (1); to 3: 1/4 of |4|
    // is not asked, 1/3 (2), 2/3 (1). Second row: all negative, the divisor is the logit's own size.
    at::Tensor const z = rows({1, 4, 2, 3, -1.5, -4, -1, -1.25}, 4);
    for (Routing const& routing : {route(z, mixer(0.5)), generic::route(z, mixer(0.5))}) {
        double const e1 = std::exp(-1.0), e2 = std::exp(-2.0);
        expect_weights(routing, 0, {1, 3}, {1 / (1 + e1 + e2), 1 / (1 + e1)});
        double const near = std::exp(-0.25), far = std::exp(-0.5);
        expect_weights(routing, 1, {2, 3}, {1 / (1 + near + far), 1 / (1 + near)});
        EXPECT_NEAR(routing.margins[0].item<double>(),
                    (std::exp(3.0) - std::exp(2.0)) / (std::exp(1.0) + std::exp(2.0) + std::exp(3.0) + std::exp(4.0)),
                    1e-6);
    }
}

TEST(Sparsemixer, IsNotTheSameForShiftedLogits) {
    at::Tensor const z = rows({1, 4, 2, 3}, 4);
    auto const weights = [&](double shift) { return route(z + shift, mixer(0.5)).routing_weights; };
    EXPECT_FALSE(at::allclose(weights(0), weights(10)));
}

TEST(Sparsemixer, GivesTiesToTheLowerIdAndSlotsWithoutAnExpertNoWeight) {
    float const none = -std::numeric_limits<float>::infinity();
    at::Tensor const z = rows({2, 3, 3, 3}, 4);
    RouterEdits edits(1, 4);
    std::int32_t const one_left =
        edits.add(EditMode::mask, EditScope::both, std::vector<RouterEdit>{{0, 0}, {0, 1}, {0, 3}});
    std::vector<std::int32_t> const entries = {edits.entry(one_left, 0, Phase::prefill)};
    for (Routing const& routing : {route(z, mixer(0.1)), generic::route(z, mixer(0.1))})
        expect_weights(routing, 0, {1, 2}, {1.0 / 3, 0.5});
    for (Routing const& routing :
         {route(z, mixer(0.1), {&edits, entries}), generic::route(z, mixer(0.1), {&edits, entries})}) {
        at::Tensor const weight_of_two = routing.routing_weights.masked_select(routing.expert_ids.eq(2));
        EXPECT_EQ(weight_of_two.item<float>(), 1.0F);
        EXPECT_EQ(routing.routing_weights.sum().item<float>(), 1.0F) << none;
    }
}

TEST(Sparsemixer, EqualsItsReferenceUnderEveryEdit) {
    for (auto dtype : storage_types()) {
        at::Tensor const z = (random_tensor({60, 6}, at::kDouble, 7) * 3).to(dtype);
        RouterEdits edits(1, 6);
        std::vector<std::int32_t> entries(60, 0);
        std::int32_t row = 0;
        for (EditModeFacts const& facts : edit_modes) {
            std::int32_t const variant =
                edits.add(facts.mode, EditScope::both,
                          std::vector<RouterEdit>{{0, 1, 1.0}, {0, 4, facts.takes_away ? 1.0 : -1.5}});
            for (int i = 0; i < 10; ++i)
                entries[static_cast<std::size_t>(row++)] = edits.entry(variant, 0, Phase::prefill);
        }
        for (double threshold : {0.0, 0.02, 0.5, 1.5}) {
            RowEdits const row_edits{&edits, entries};
            Routing const routing = route(z, mixer(threshold), row_edits),
                          reference = generic::route(z, mixer(threshold), row_edits);
            EXPECT_TRUE(at::equal(routing.expert_ids, reference.expert_ids));
            EXPECT_LE(relative_error(routing.routing_weights, reference.routing_weights), 2e-6);
            EXPECT_LE(relative_error(routing.slot_probabilities, reference.slot_probabilities), 2e-6);
            at::Tensor const dw = random_tensor({60, 2}, routing.routing_weights.scalar_type(), 3);
            EXPECT_LE(relative_error(route_backward(routing, dw), generic::route_backward(reference, dw)), 2e-6);
        }
    }
}

TEST(Sparsemixer, HasTheGradientOfFiniteDifferences) {
    at::Tensor const z = random_tensor({20, 5}, at::kDouble, 11) * 2, dw = random_tensor({20, 2}, at::kDouble, 12);
    Routing const routing = route(z, mixer(0.6));
    at::Tensor const gradient = route_backward(routing, dw);
    ASSERT_EQ(gradient.sizes(), (std::vector<std::int64_t>{20, 5}));
    EXPECT_EQ(experts_of_gradient(routing).size(1), 5);
    auto const weights = [&](at::Tensor const& logits) { return route(logits, mixer(0.6)).routing_weights; };
    EXPECT_LE(relative_error(gradient, finite_difference(weights, z, dw)), 1e-7);
    EXPECT_LE(gradient.sum(1).abs().max().item<double>(), 1e-15);
    EXPECT_GT(gradient.ne(0).sum(1).max().item<std::int64_t>(), 2) << "experts that were not chosen";
}

}  // namespace
}  // namespace gatesweep
