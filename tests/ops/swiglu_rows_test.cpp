// The vectorised SwiGLU loops against float64, and against themselves one element at a time.
#include "ops/cpu/swiglu_rows.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "gatesweep/ops/row_ops.h"

namespace gatesweep::kernels {
namespace {

TEST(FastExp, IsWithinTwoUnitsInTheLastPlace) {
    double worst = 0;
    for (double x = -87.0; x <= 88.0; x += 1.0 / 4096) {
        double const exact = std::exp(static_cast<double>(static_cast<float>(x)));
        float const rounded = static_cast<float>(exact);
        double const unit =
            static_cast<double>(std::nextafter(rounded, std::numeric_limits<float>::infinity()) - rounded);
        worst = std::max(worst, std::abs(static_cast<double>(fast_exp(static_cast<float>(x))) - exact) / unit);
    }
    EXPECT_LE(worst, 2.0);
    RecordProperty("worst_units", std::to_string(worst));
}

TEST(FastExp, HoldsAtTheEndsAndKeepsNaN) {
    float const infinity = std::numeric_limits<float>::infinity();
    EXPECT_EQ(fast_exp(0.0F), 1.0F);
    EXPECT_EQ(fast_exp(infinity), fast_exp(88.0F));
    EXPECT_EQ(fast_exp(-infinity), fast_exp(-87.0F));
    EXPECT_TRUE(std::isnan(fast_exp(std::numeric_limits<float>::quiet_NaN())));
}

at::Tensor reference(at::Tensor const& gate_up) {
    auto const halves = gate_up.to(at::kDouble).chunk(2, 1);
    return halves[0] * halves[0].sigmoid() * halves[1];
}

TEST(Swiglu, EqualsFloat64ForAnyWidth) {
    for (auto [dtype, tolerance] : {std::pair{at::kFloat, 1e-6}, std::pair{at::kBFloat16, 1.2e-2}}) {
        for (std::int64_t f : {1, 7, 16, 48, 1100}) {
            at::Tensor const gate_up = (at::randn({5, 2 * f}) * 8).to(dtype);
            at::Tensor const exact = reference(gate_up);
            EXPECT_TRUE(at::allclose(swiglu(gate_up).to(at::kDouble), exact, tolerance, 1e-30))
                << f << ' ' << at::toString(dtype);
        }
    }
}

// The vector loop and the loop over what is left compute alike.
TEST(Swiglu, AnElementsBitsDoNotDependOnItsPlace) {
    std::int64_t const f = 100;
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        at::Tensor const gate_up = (at::randn({1, 2 * f}) * 8).to(dtype), d = at::randn({1, f}).to(dtype);
        at::Tensor const whole = swiglu(gate_up), gradient = swiglu_backward(d, gate_up);
        for (std::int64_t i = 0; i < f; ++i) {
            at::Tensor const one = at::stack({gate_up[0][i], gate_up[0][f + i]}).unsqueeze(0);
            EXPECT_TRUE(at::equal(swiglu(one)[0][0], whole[0][i])) << i;
            at::Tensor const g = swiglu_backward(d.slice(1, i, i + 1), one);
            EXPECT_TRUE(at::equal(g[0][0], gradient[0][i]) && at::equal(g[0][1], gradient[0][f + i])) << i;
        }
    }
}

TEST(Swiglu, GradientEqualsFiniteDifferencesInFloat64) {
    at::Tensor const gate_up = at::randn({3, 34}) * 4, d = at::randn({3, 17});
    at::Tensor const gradient = swiglu_backward(d, gate_up).to(at::kDouble);
    at::Tensor const wide = gate_up.to(at::kDouble), weight = d.to(at::kDouble);
    constexpr double step = 1e-5;
    for (std::int64_t r = 0; r < 3; ++r) {
        for (std::int64_t c = 0; c < 34; ++c) {
            at::Tensor const up = wide.clone(), down = wide.clone();
            up[r][c] += step;
            down[r][c] -= step;
            double const slope = ((reference(up) - reference(down)) * weight).sum().item<double>() / (2 * step);
            EXPECT_NEAR(gradient[r][c].item<double>(), slope, 1e-5 * (1 + std::abs(slope)));
        }
    }
}

}  // namespace
}  // namespace gatesweep::kernels
