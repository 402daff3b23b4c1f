// Choosing experts: the rule, its ties, its gradient.
#include "gatesweep/ops/router.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "ops/generic/generic_ops.h"
#include "support/expect_error.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

std::vector<std::int64_t> ids_of(Routing const& routing, std::int64_t token) {
    auto const* ids = routing.expert_ids.const_data_ptr<std::int64_t>() + token * routing.top_k();
    return {ids, ids + routing.top_k()};
}

// The rule as it is written: softmax over all, the largest, ties to the lower id, weights that sum to 1.
void expect_rule(at::Tensor const& logits, std::int64_t top_k) {
    Routing const routing = route(logits, top_k);
    at::Tensor const p = at::softmax(logits.to(at::kDouble), -1), z = logits.to(at::kDouble).contiguous();
    ASSERT_EQ(routing.num_experts, logits.size(1));
    for (std::int64_t t = 0; t < logits.size(0); ++t) {
        std::vector<std::int64_t> order(static_cast<std::size_t>(logits.size(1)));
        std::iota(order.begin(), order.end(), std::int64_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
            return z[t][a].item<double>() > z[t][b].item<double>();
        });
        order.resize(static_cast<std::size_t>(top_k));
        std::sort(order.begin(), order.end());
        EXPECT_EQ(ids_of(routing, t), order) << "token " << t;
        double sum = 0;
        for (auto e : order)
            sum += p[t][e].item<double>();
        for (std::int64_t k = 0; k < top_k; ++k) {
            EXPECT_NEAR(routing.routing_weights[t][k].item<double>(), p[t][order[k]].item<double>() / sum, 1e-6);
        }
    }
}

TEST(Route, FollowsTheRule) {
    for (auto dtype : storage_types()) {
        for (std::int64_t top_k : {1, 2, 3, 8})
            expect_rule(random_tensor({11, 8}, dtype, 5) * 4, top_k);
    }
}

TEST(Route, GivesTiesToTheLowerId) {
    at::Tensor const logits =
        at::tensor(std::vector<float>{1, 3, 3, 3, 0, 0, 0, 0, 5, 5, 5, 5, 2, 0, 2, 1}).view({4, 4});
    Routing const routing = route(logits, 2), reference = generic::route(logits, 2);
    EXPECT_EQ(ids_of(routing, 0), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(ids_of(routing, 1), (std::vector<std::int64_t>{0, 1}));
    EXPECT_EQ(ids_of(routing, 2), (std::vector<std::int64_t>{0, 1}));
    EXPECT_EQ(ids_of(routing, 3), (std::vector<std::int64_t>{0, 2}));
    EXPECT_TRUE(at::equal(routing.expert_ids, reference.expert_ids));
}

TEST(Route, TellsHowNearTheChoiceWasToATie) {
    at::Tensor const logits = at::tensor(std::vector<float>{1, 3, 3, 3, 5, 4, 2, 2}).view({2, 4});
    at::Tensor const p = at::softmax(logits, -1);
    for (Routing const& routing : {route(logits, 2), generic::route(logits, 2)}) {
        EXPECT_EQ(routing.margins[0].item<float>(), 0.0F);
        EXPECT_NEAR(routing.margins[1].item<float>(), (p[1][1] - p[1][2]).item<float>(), 1e-6F);
    }
    EXPECT_FALSE(route(logits, 4).margins.defined());  // nothing was left out
}

TEST(Route, EqualsItsReferenceInEveryType) {
    for (auto dtype : storage_types()) {
        for (std::int64_t top_k : {1, 2, 6}) {
            // Few distinct values, so that many ties are decided.
            at::Tensor const logits = (random_tensor({50, 6}, at::kDouble, 7) * 3).round().to(dtype);
            Routing const routing = route(logits, top_k), reference = generic::route(logits, top_k);
            EXPECT_TRUE(at::equal(routing.expert_ids, reference.expert_ids));
            EXPECT_LE(relative_error(routing.routing_weights, reference.routing_weights), 1e-6);
        }
    }
}

TEST(Route, TopOneHasWeightOneAndNoGradient) {
    Routing const routing = route(random_tensor({5, 4}, at::kFloat, 1), 1);
    EXPECT_TRUE(at::equal(routing.routing_weights, at::ones({5, 1})));
    EXPECT_TRUE(at::equal(route_backward(routing, random_tensor({5, 1}, at::kFloat, 2)), at::zeros({5, 1})));
}

TEST(Route, RefusesLogitsThatAreNotFinite) {
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        at::Tensor const logits = at::zeros({3, 4});
        logits[2][1].fill_(bad);
        EXPECT_ERROR(route(logits, 2), ExitCode::bad_data, "not finite", "token 2");
        EXPECT_ERROR(generic::route(logits, 2), ExitCode::bad_data, "not finite");
    }
}

TEST(RouteOnDevice, ChoosesAsRouteDoesAndRemembersWhatWasNotFinite) {
    at::Tensor const logits = random_tensor({6, 8}, at::kFloat, 4), all_finite = at::ones({}, at::kBool);
    Routing const routing = generic::route_on_device(logits, 2, {}, all_finite), reference = generic::route(logits, 2);
    EXPECT_TRUE(at::equal(routing.expert_ids, reference.expert_ids));
    EXPECT_TRUE(at::equal(routing.routing_weights, reference.routing_weights));
    EXPECT_NO_THROW(validate_finite(all_finite));
    at::Tensor const damaged = logits.clone();
    damaged[3][5] = std::numeric_limits<float>::infinity();
    EXPECT_NO_THROW(generic::route_on_device(damaged, 2, {}, all_finite));
    EXPECT_NO_THROW(generic::route_on_device(logits, 2, {}, all_finite));
    EXPECT_ERROR(validate_finite(all_finite), ExitCode::bad_data, "not finite", "try float32");
    EXPECT_ERROR(route_on_device(damaged, 2, {}, all_finite), ExitCode::bad_data, "not finite", "token 3");
}

TEST(Route, TakesNoTokens) {
    Routing const routing = route(at::empty({0, 4}), 2);
    EXPECT_EQ(routing.num_tokens(), 0);
    EXPECT_EQ(route_backward(routing, at::empty({0, 2})).size(0), 0);
}

TEST(Route, ATokensChoiceIsItsOwn) {
    for (auto dtype : storage_types()) {
        at::Tensor const logits = random_tensor({9, 8}, dtype, 3);
        expect_rows_independent([](at::Tensor const& z) { return route(z, 3).expert_ids; }, logits, "expert_ids");
        expect_rows_independent([](at::Tensor const& z) { return route(z, 3).routing_weights; }, logits,
                                "routing_weights");
    }
}

TEST(RouteBackward, EqualsFiniteDifferencesOverAllLogits) {
    at::Tensor const logits = random_tensor({4, 6}, at::kDouble, 1) * 3, dw = random_tensor({4, 3}, at::kDouble, 2);
    Routing const routing = route(logits, 3);
    at::Tensor const numeric =
        finite_difference([](at::Tensor const& z) { return route(z, 3).routing_weights; }, logits, dw);
    at::Tensor const dense = at::zeros({4, 6}, at::kDouble).scatter(1, routing.expert_ids, route_backward(routing, dw));
    EXPECT_LE(relative_error(dense, numeric), 1e-8);
}

TEST(RouteBackward, SumsToZeroOverExperts) {
    Routing const routing = route(random_tensor({64, 8}, at::kFloat, 1) * 3, 3);
    at::Tensor const dz = route_backward(routing, random_tensor({64, 3}, at::kFloat, 2) * 1e3);
    EXPECT_LE(dz.sum(1).abs().max().item<double>(), 1e-6 * dz.abs().max().item<double>());
    EXPECT_LE(relative_error(dz, generic::route_backward(routing, random_tensor({64, 3}, at::kFloat, 2) * 1e3)), 1e-6);
}

TEST(RouteBackward, OfEqualExpertsIsZero) {
    for (std::int64_t top_k : {2, 3, 5}) {
        Routing const routing = route(random_tensor({64, 8}, at::kFloat, 1) * 3, top_k);
        at::Tensor const dw = random_tensor({64, 1}, at::kFloat, 2).expand({64, top_k}).contiguous();
        EXPECT_TRUE(at::equal(route_backward(routing, dw), at::zeros({64, top_k})));
        EXPECT_TRUE(at::equal(generic::route_backward(routing, dw), at::zeros({64, top_k})));
    }
}

TEST(RouterInputGradient, EqualsItsReferenceAndRowsAreIndependent) {
    for (auto dtype : storage_types()) {
        at::Tensor const logits = random_tensor({7, 8}, dtype, 1), gate = random_tensor({8, 21}, dtype, 2);
        Routing const routing = route(logits, 3);
        at::Tensor const dz = random_tensor({7, 3}, routing.routing_weights.scalar_type(), 3);
        EXPECT_LE(
            relative_error(router_input_gradient(routing, dz, gate), generic::router_input_gradient(routing, dz, gate)),
            rounding_of(dtype));
    }
}

TEST(Combine, EqualsItsReferenceInEveryType) {
    for (auto dtype : storage_types()) {
        Routing const routing = route(random_tensor({7, 8}, dtype, 1), 3);
        at::Tensor const slots = random_tensor({21, 13}, dtype, 2), dy = random_tensor({7, 13}, dtype, 3);
        EXPECT_LE(relative_error(combine(slots, routing), generic::combine(slots, routing)), rounding_of(dtype));
        CombineGradient const g = combine_backward(dy, slots, routing),
                              reference = generic::combine_backward(dy, slots, routing);
        EXPECT_LE(relative_error(g.d_slot_outputs, reference.d_slot_outputs), rounding_of(dtype));
        EXPECT_LE(relative_error(g.d_routing_weights, reference.d_routing_weights), rounding_of(dtype));
    }
}

TEST(Combine, GradientEqualsFiniteDifferences) {
    Routing routing = route(random_tensor({3, 5}, at::kDouble, 1), 2);
    at::Tensor const slots = random_tensor({6, 4}, at::kDouble, 2), dy = random_tensor({3, 4}, at::kDouble, 3);
    CombineGradient const g = combine_backward(dy, slots, routing);
    EXPECT_LE(relative_error(g.d_slot_outputs,
                             finite_difference([&](at::Tensor const& s) { return combine(s, routing); }, slots, dy)),
              1e-8);
    auto const of_weights = [&](at::Tensor const& w) {
        Routing moved = routing;
        moved.routing_weights = w;
        return combine(slots, moved);
    };
    EXPECT_LE(relative_error(g.d_routing_weights, finite_difference(of_weights, routing.routing_weights, dy)), 1e-8);
}

}  // namespace
}  // namespace gatesweep
