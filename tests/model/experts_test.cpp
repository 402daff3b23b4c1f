// Experts on grouped rows, against each expert written out.
#include "gatesweep/model/experts.h"

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
    EXPECT_LE(relative_error(experts_backward(w, dy, forward.gate_up, offsets), numeric), 1e-7);
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

}  // namespace
}  // namespace gatesweep
