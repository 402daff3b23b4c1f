// Experts on grouped rows, against each expert written out.
#include "gatesweep/model/experts.h"

#include "gatesweep/ops/grouped_bias.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

constexpr std::int64_t d = 12, f = 20, num_experts = 3;

ExpertWeights weights_of(at::ScalarType dtype) {
    ExpertWeights weights;
    for (std::int64_t x = 0; x < num_experts; ++x) {
        weights.gate_up.emplace_back(random_tensor({2 * f, d}, dtype, 1 + 2 * x));
        weights.down.emplace_back(random_tensor({d, f}, dtype, 2 + 2 * x));
    }
    return weights;
}

at::Tensor one_expert(ExpertWeights const& w, std::int64_t x, at::Tensor const& rows) {
    at::Tensor const h = at::matmul(rows, w.gate_up[x].plain().t());
    return at::matmul(at::silu(h.slice(1, 0, f)) * h.slice(1, f), w.down[x].plain().t());
}

TEST(Experts, EqualTheirFormula) {
    std::vector<std::int64_t> const offsets = {0, 4, 4, 12};  // the second expert has no rows
    for (auto dtype : storage_types()) {
        ExpertWeights const w = weights_of(dtype);
        at::Tensor const rows = random_tensor({12, d}, dtype, 3);
        ExpertForward const forward = experts_forward(w, rows, offsets);
        EXPECT_LE(relative_error(forward.output.slice(0, 0, 4), one_expert(w, 0, rows.slice(0, 0, 4))),
                  rounding_of(dtype));
        EXPECT_LE(relative_error(forward.output.slice(0, 4), one_expert(w, 2, rows.slice(0, 4))), rounding_of(dtype));
    }
}

TEST(Experts, GradientEqualsFiniteDifferences) {
    std::vector<std::int64_t> const offsets = {0, 4, 4, 8};
    ExpertWeights const w = weights_of(at::kDouble);
    at::Tensor const rows = random_tensor({8, d}, at::kDouble, 3), dy = random_tensor({8, d}, at::kDouble, 4);
    ExpertForward const forward = experts_forward(w, rows, offsets);
    at::Tensor const numeric =
        finite_difference([&](at::Tensor const& x) { return experts_forward(w, x, offsets).output; }, rows, dy);
    EXPECT_LE(relative_error(experts_backward(w, dy, forward.gate_up, offsets).d_rows, numeric), 1e-7);
}

ExpertWeights with_biases_and_limits(at::ScalarType dtype) {
    ExpertWeights weights = weights_of(dtype);
    weights.gate_up_bias = random_tensor({num_experts, 2 * f}, dtype, 20);
    weights.down_bias = random_tensor({num_experts, d}, dtype, 21);
    weights.gate = {0.8, 1.702};
    return weights;
}

TEST(Experts, WithBiasesAndLimitsEqualTheirFormula) {
    std::vector<std::int64_t> const offsets = {0, 4, 4, 12};
    for (auto dtype : storage_types()) {
        ExpertWeights const w = with_biases_and_limits(dtype);
        at::Tensor const rows = random_tensor({12, d}, dtype, 3), wide = rows.to(at::kDouble);
        at::Tensor const output = experts_forward(w, rows, offsets).output;
        for (std::int64_t x : {0, 2}) {
            at::Tensor const part = wide.slice(0, offsets[x], offsets[x + 1]);
            auto const matrix = [](LinearWeight const& weight) { return weight.plain().to(at::kDouble).t(); };
            at::Tensor const h = at::matmul(part, matrix(w.gate_up[x])) + w.gate_up_bias[x].to(at::kDouble);
            at::Tensor const g = h.slice(1, 0, f).clamp_max(0.8), u = h.slice(1, f).clamp(-0.8, 0.8);
            at::Tensor const expected =
                at::matmul(g * at::sigmoid(1.702 * g) * (u + 1), matrix(w.down[x])) + w.down_bias[x].to(at::kDouble);
            EXPECT_LE(relative_error(output.slice(0, offsets[x], offsets[x + 1]), expected), rounding_of(dtype));
        }
    }
}

TEST(Experts, WithBiasesAndLimitsHaveTheirGradient) {
    std::vector<std::int64_t> const offsets = {0, 4, 4, 8};
    ExpertWeights const w = with_biases_and_limits(at::kDouble);
    at::Tensor const rows = random_tensor({8, d}, at::kDouble, 3), dy = random_tensor({8, d}, at::kDouble, 4);
    at::Tensor const numeric =
        finite_difference([&](at::Tensor const& x) { return experts_forward(w, x, offsets).output; }, rows, dy);
    at::Tensor const gate_up = experts_forward(w, rows, offsets).gate_up;
    EXPECT_LE(relative_error(experts_backward(w, dy, gate_up, offsets).d_rows, numeric), 1e-7);
}

TEST(GroupedBias, IsTheSameForOffsetsOnTheDevice) {
    std::vector<std::int64_t> const offsets = {0, 0, 4, 4, 9};  // the first and the third expert have no rows
    for (auto dtype : storage_types()) {
        at::Tensor const bias = random_tensor({4, 7}, dtype, 1), rows = random_tensor({11, 7}, dtype, 2);
        at::Tensor const here = rows.clone(), there = rows.clone();
        add_grouped_bias(here.slice(0, 0, 9), offsets, bias);
        add_grouped_bias(there, at::tensor(offsets, at::kLong), bias);
        EXPECT_TRUE(at::equal(here.slice(0, 0, 9), there.slice(0, 0, 9)));
        EXPECT_TRUE(at::equal(here.slice(0, 0, 4), rows.slice(0, 0, 4) + bias[1]));
        EXPECT_TRUE(at::equal(here.slice(0, 4, 9), rows.slice(0, 4, 9) + bias[3]));
    }
}

TEST(Experts, ARowsBitsDoNotDependOnTheOtherRows) {
    for (auto dtype : storage_types()) {
        ExpertWeights const w = weights_of(dtype);
        at::Tensor const rows = random_tensor({24, d}, dtype, 3);
        at::Tensor const together = experts_forward(w, rows, {0, 8, 8, 24}).output;
        at::Tensor const first = experts_forward(w, rows.slice(0, 0, 4), {0, 4, 4, 4}).output;
        at::Tensor const last = experts_forward(w, rows.slice(0, 20), {0, 0, 0, 4}).output;
        EXPECT_TRUE(at::equal(first, together.slice(0, 0, 4)));
        EXPECT_TRUE(at::equal(last, together.slice(0, 20)));
    }
}

TEST(Experts, TakeNoRows) {
    ExpertWeights const w = weights_of(at::kFloat);
    EXPECT_EQ(experts_forward(w, at::empty({0, d}), {0, 0, 0, 0}).output.size(0), 0);
}

// Three matrices in one tensor, as experts are kept on a GPU, and rows for the first and the last of them.
struct Stack {
    explicit Stack(at::ScalarType dtype) : all(random_tensor({3, 16, 8}, dtype, 1)) {
        for (std::int64_t i = 0; i < 3; ++i)
            weights.emplace_back(all[i]);
    }
    at::Tensor all;
    std::vector<LinearWeight> weights;
    std::vector<std::int64_t> offsets = {0, 4, 4, 9};
};

TEST(GroupedLinear, TakesOffsetsThatStayOnTheDevice) {
    Stack const stack(at::kHalf);  // not laid out on the CPU, so it goes the way of a GPU
    at::Tensor const rows = random_tensor({11, 8}, at::kHalf, 2);  // two more than the offsets name
    ASSERT_TRUE(groups_on_device(rows, stack.weights));
    at::Tensor const y = grouped_linear(rows, at::tensor(stack.offsets, at::kLong), stack.weights);
    ASSERT_EQ(y.size(0), 11);
    for (std::int64_t i : {0, 2}) {
        at::Tensor const part = rows.slice(0, stack.offsets[i], stack.offsets[i + 1]).to(at::kDouble);
        at::Tensor const expected = at::mm(part, stack.all[i].to(at::kDouble).t());
        EXPECT_LE(relative_error(y.slice(0, stack.offsets[i], stack.offsets[i + 1]), expected), 2e-3);
    }
}

TEST(GroupedLinear, NeedsTheHostForOtherWeights) {
    for (auto dtype : {at::kDouble, at::kFloat, at::kBFloat16}) {  // too wide; laid out for kernels of our own
        Stack const stack(dtype);
        EXPECT_FALSE(groups_on_device(random_tensor({11, 8}, dtype, 2), stack.weights)) << dtype;
    }
    std::vector<LinearWeight> const narrow = {LinearWeight(random_tensor({16, 6}, at::kHalf, 1))};
    EXPECT_FALSE(groups_on_device(random_tensor({11, 6}, at::kHalf, 2), narrow));
    Stack const stack(at::kHalf);
    auto const swapped = std::vector{stack.weights[1], stack.weights[0]};
    EXPECT_FALSE(groups_on_device(random_tensor({11, 8}, at::kHalf, 2), swapped));
}

TEST(StackedWeights, AreThoseThatFollowEachOtherInMemory) {
    Stack const stack(at::kDouble);
    auto const stacked = stacked_weights(stack.weights);
    ASSERT_TRUE(stacked.has_value());
    EXPECT_TRUE(at::equal(*stacked, stack.all));
    auto const swapped = std::vector{stack.weights[1], stack.weights[0]};
    EXPECT_FALSE(stacked_weights(swapped).has_value());
    auto const apart = std::vector{stack.weights[0], LinearWeight(stack.all[1].clone())};
    EXPECT_FALSE(stacked_weights(apart).has_value());
    EXPECT_FALSE(stacked_weights(Stack(at::kFloat).weights).has_value()) << "laid out";
}

}  // namespace
}  // namespace gatesweep
