// Routers that do not make the weights of the chosen sum to one, and the parts of an expert that every token goes to.
#include "gatesweep/ops/router.h"
#include "gatesweep/ops/sigmoid.h"
#include "ops/generic/generic_ops.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

RouteRule rule(std::int64_t top_k) {
    return {top_k, false};
}

TEST(PlainSoftmax, WeightsAreTheProbabilitiesOfTheChosen) {
    for (auto dtype : storage_types()) {
        at::Tensor const logits = random_tensor({11, 8}, dtype, 5) * 4;
        Routing const routing = route(logits, rule(3)), reference = generic::route(logits, rule(3));
        EXPECT_TRUE(at::equal(routing.expert_ids, route(logits, 3).expert_ids));
        EXPECT_TRUE(at::equal(routing.routing_weights, routing.probabilities.gather(1, routing.expert_ids)));
        at::Tensor const p = at::softmax(logits.to(at::kDouble), -1);
        EXPECT_LE(relative_error(routing.probabilities, p), 1e-6);
        EXPECT_TRUE(at::equal(routing.expert_ids, reference.expert_ids));
        EXPECT_LE(relative_error(routing.routing_weights, reference.routing_weights), 1e-6);
        EXPECT_LE(relative_error(routing.probabilities, reference.probabilities), 1e-6);
    }
}

TEST(PlainSoftmax, GradientIsThatOfAllLogits) {
    for (std::int64_t top_k : {1, 3, 6}) {
        at::Tensor const logits = random_tensor({4, 6}, at::kDouble, 1) * 3;
        at::Tensor const dw = random_tensor({4, top_k}, at::kDouble, 2);
        Routing const routing = route(logits, rule(top_k));
        at::Tensor const numeric =
            finite_difference([&](at::Tensor const& z) { return route(z, rule(top_k)).routing_weights; }, logits, dw);
        at::Tensor const dz = route_backward(routing, dw);
        EXPECT_LE(relative_error(dz, numeric), 1e-8);
        EXPECT_LE(relative_error(generic::route_backward(routing, dw), numeric), 1e-8);
    }
}

TEST(PlainSoftmax, GradientReachesTheInputThroughAllExperts) {
    for (auto dtype : storage_types()) {
        at::Tensor const logits = random_tensor({7, 8}, dtype, 1), gate = random_tensor({8, 21}, dtype, 2);
        Routing const routing = route(logits, rule(3));
        at::Tensor const dz = random_tensor({7, 8}, routing.routing_weights.scalar_type(), 3);
        at::Tensor const dx = router_input_gradient(routing, dz, gate);
        EXPECT_LE(relative_error(dx, generic::router_input_gradient(routing, dz, gate)), rounding_of(dtype));
        EXPECT_LE(relative_error(dx, at::matmul(dz.to(at::kDouble), gate.to(at::kDouble))), 4 * rounding_of(dtype));
    }
}

TEST(PlainSoftmax, EditsKeepTheSoftmaxOverWhatRemains) {
    at::Tensor const logits = random_tensor({5, 6}, at::kFloat, 7) * 2;
    for (auto const mode :
         {EditMode::mask, EditMode::zero, EditMode::zero_renormalise, EditMode::steer, EditMode::bias}) {
        RouterEdits table(1, 6);
        std::vector<RouterEdit> const edits = {{0, 1, 1.0}, {0, 4, -1.0}};
        std::int32_t const variant = table.add(mode, EditScope::both, edits);
        std::vector<std::int32_t> const entries(5, table.entry(variant, 0, Phase::prefill));
        RowEdits const rows{&table, entries};
        Routing const routing = route(logits, rule(2), rows), reference = generic::route(logits, rule(2), rows);
        EXPECT_TRUE(at::equal(routing.expert_ids, reference.expert_ids));
        EXPECT_LE(relative_error(routing.routing_weights, reference.routing_weights), 1e-6);
        at::Tensor const sums = routing.routing_weights.sum(1);
        if (mode == EditMode::zero_renormalise) {
            EXPECT_TRUE(at::logical_or(sums.eq(0), (sums - 1).abs().lt(1e-6)).all().item<bool>());
        } else {
            EXPECT_TRUE(sums.lt(1).all().item<bool>());
        }
        if (mode != EditMode::mask) continue;
        at::Tensor masked = logits.clone();
        for (std::int64_t e : {1, 4})
            masked.select(1, e).fill_(-std::numeric_limits<float>::infinity());
        at::Tensor const p = at::softmax(masked, -1).gather(1, routing.expert_ids);
        EXPECT_LE(relative_error(routing.routing_weights, p), 1e-6);
    }
}

TEST(Sigmoid, EqualsATensorOfItsValuesAlone) {
    for (auto dtype : storage_types()) {
        at::Tensor const x = random_tensor({37, 1}, dtype, 1) * 4;
        EXPECT_LE(relative_error(sigmoid_of(x), at::sigmoid(x.to(at::kDouble))), 2 * rounding_of(dtype));
        expect_rows_independent([](at::Tensor const& z) { return sigmoid_of(z); }, x, "sigmoid");
    }
}

TEST(RowProducts, AreInnerProducts) {
    for (auto dtype : storage_types()) {
        at::Tensor const a = random_tensor({9, 37}, dtype, 1), b = random_tensor({9, 37}, dtype, 2);
        at::Tensor const expected = (a.to(at::kDouble) * b.to(at::kDouble)).sum(-1, true);
        EXPECT_LE(relative_error(row_products(a, b), expected), 1e-5);
    }
}

}  // namespace
}  // namespace gatesweep
