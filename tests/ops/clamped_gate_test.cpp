// The gate with limits: its values, its gradient, and what happens on and beyond a limit.
#include "gatesweep/ops/gated.h"
#include "gatesweep/ops/row_ops.h"
#include "ops/generic/generic_ops.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

GateRule const rule{7.0, 1.702};

at::Tensor clamped(at::Tensor const& gate_up) {
    return gated(gate_up, rule);
}

at::Tensor in_float64(at::Tensor const& gate_up) {
    auto const halves = gate_up.to(at::kDouble).chunk(2, 1);
    at::Tensor const g = halves[0].clamp_max(7.0), u = halves[1].clamp(-7.0, 7.0);
    return g / (1 + at::exp(-1.702 * g)) * (u + 1);
}

// Values to 16, so that both limits are met.
at::Tensor inputs(std::vector<std::int64_t> const& shape, at::ScalarType dtype) {
    return random_tensor(shape, dtype, 1) * 16;
}

TEST(ClampedGate, EqualsFloat64ForAnyWidth) {
    for (auto dtype : storage_types()) {
        for (std::int64_t f : {1, 7, 48, 300}) {
            at::Tensor const x = inputs({5, 2 * f}, dtype), d = random_tensor({5, f}, dtype, 2);
            EXPECT_LE(relative_error(clamped(x), in_float64(x)), rounding_of(dtype)) << f;
            EXPECT_LE(relative_error(clamped(x), generic::clamped_gate(x, rule)), rounding_of(dtype)) << f;
            EXPECT_LE(relative_error(gated_backward(d, x, rule), generic::clamped_gate_backward(d, x, rule)),
                      rounding_of(dtype))
                << f;
        }
    }
}

TEST(ClampedGate, GradientEqualsFiniteDifferences) {
    at::Tensor const x = inputs({6, 14}, at::kDouble), dy = random_tensor({6, 7}, at::kDouble, 2);
    EXPECT_GT(x.gt(7).sum().item<std::int64_t>(), 0);
    EXPECT_LE(relative_error(gated_backward(dy, x, rule), finite_difference(clamped, x, dy)), 1e-8);
}

TEST(ClampedGate, HasAGradientOnALimitAndNoneBeyond) {
    // Gates 7, 7.5, -20, 1; ups 1, 7, 7.5, -7.5.
    std::vector<double> const values = {7, 7.5, -20, 1, 1, 7, 7.5, -7.5};
    for (auto dtype : storage_types()) {
        at::Tensor const x = at::tensor(values, at::kDouble).view({1, 8}).to(dtype);
        at::Tensor const dx = gated_backward(at::ones({1, 4}, dtype), x, rule)[0].ne(0).to(at::kLong);
        EXPECT_TRUE(at::equal(dx, at::tensor(std::vector<std::int64_t>{1, 0, 1, 1, 1, 1, 0, 0}, at::kLong))) << dx;
    }
}

TEST(ClampedGate, RowsAndElementsAreIndependent) {
    for (auto dtype : storage_types()) {
        at::Tensor const x = inputs({6, 38}, dtype);
        expect_rows_independent(clamped, x, "clamped gate");
        if (dtype == at::kDouble) continue;
        at::Tensor const d = random_tensor({6, 19}, dtype, 3), whole = clamped(x), dx = gated_backward(d, x, rule);
        for (std::int64_t i = 0; i < 19; ++i) {
            at::Tensor const one = at::stack({x[2][i], x[2][19 + i]}).unsqueeze(0);
            EXPECT_TRUE(at::equal(clamped(one)[0][0], whole[2][i])) << i;
            at::Tensor const g = gated_backward(d[2].slice(0, i, i + 1).unsqueeze(0), one, rule)[0];
            EXPECT_TRUE(at::equal(g[0], dx[2][i]) && at::equal(g[1], dx[2][19 + i])) << i;
        }
    }
}

TEST(ClampedGate, WithoutALimitIsSwiglu) {
    at::Tensor const x = inputs({3, 10}, at::kFloat), d = random_tensor({3, 5}, at::kFloat, 2);
    EXPECT_TRUE(at::equal(gated(x, {}), swiglu(x)));
    EXPECT_TRUE(at::equal(gated_backward(d, x, {}), swiglu_backward(d, x)));
}

}  // namespace
}  // namespace gatesweep
