// Row-wise kernels against their references, finite differences, and themselves on a row alone.
#include "gatesweep/ops/row_ops.h"

#include <cmath>

#include "ops/generic/generic_ops.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

constexpr double eps = 1e-5;

TEST(RmsNorm, EqualsItsReferenceInEveryType) {
    for (auto dtype : storage_types()) {
        at::Tensor const x = random_tensor({7, 43}, dtype, 1), w = random_tensor({43}, dtype, 2),
                         dy = random_tensor({7, 43}, dtype, 3);
        EXPECT_LE(relative_error(rms_norm(x, w, eps), generic::rms_norm(x, w, eps)), rounding_of(dtype));
        EXPECT_LE(relative_error(rms_norm_backward(dy, x, w, eps), generic::rms_norm_backward(dy, x, w, eps)),
                  rounding_of(dtype));
    }
}

TEST(RmsNorm, GradientEqualsFiniteDifferences) {
    at::Tensor const x = random_tensor({3, 9}, at::kDouble, 1), w = random_tensor({9}, at::kDouble, 2),
                     dy = random_tensor({3, 9}, at::kDouble, 3);
    auto const f = [&](at::Tensor const& at) { return rms_norm(at, w, eps); };
    EXPECT_LE(relative_error(rms_norm_backward(dy, x, w, eps), finite_difference(f, x, dy)), 1e-8);
}

TEST(RmsNorm, ScalesARowToUnitMeanSquare) {
    at::Tensor const y = rms_norm(random_tensor({4, 64}, at::kDouble, 1) * 100, at::ones({64}, at::kDouble), 0.0);
    EXPECT_LE((y.square().mean(1) - 1).abs().max().item<double>(), 1e-12);
}

TEST(RmsNorm, RowsAreIndependent) {
    for (auto dtype : storage_types()) {
        at::Tensor const x = random_tensor({6, 43}, dtype, 1), w = random_tensor({43}, dtype, 2);
        expect_rows_independent([&](at::Tensor const& rows) { return rms_norm(rows, w, eps); }, x, "rms_norm");
    }
}

TEST(Swiglu, EqualsItsReferenceInEveryType) {
    for (auto dtype : storage_types()) {
        at::Tensor const x = random_tensor({5, 38}, dtype, 1) * 8, d = random_tensor({5, 19}, dtype, 2);
        EXPECT_LE(relative_error(swiglu(x), generic::swiglu(x)), rounding_of(dtype));
        EXPECT_LE(relative_error(swiglu_backward(d, x), generic::swiglu_backward(d, x)), rounding_of(dtype));
    }
}

TEST(LayerNorm, EqualsItsReferenceInEveryType) {
    for (auto dtype : storage_types()) {
        for (std::int64_t d : {1, 7, 32, 300}) {
            at::Tensor const x = random_tensor({5, d}, dtype, 1) * 3 + 2, weight = random_tensor({d}, dtype, 2),
                             bias = random_tensor({d}, dtype, 3), dy = random_tensor({5, d}, dtype, 4);
            EXPECT_LE(relative_error(layer_norm(x, weight, bias, eps), generic::layer_norm(x, weight, bias, eps)),
                      std::max(1e-5, rounding_of(dtype)));
            EXPECT_LE(relative_error(layer_norm_backward(dy, x, weight, eps),
                                     generic::layer_norm_backward(dy, x, weight, eps)),
                      std::max(1e-5, rounding_of(dtype)));
        }
        at::Tensor const weight = random_tensor({38}, dtype, 2), bias = random_tensor({38}, dtype, 3);
        expect_rows_independent([&](at::Tensor const& x) { return layer_norm(x, weight, bias, eps); },
                                random_tensor({6, 38}, dtype, 1), "layer_norm");
    }
}

TEST(LayerNorm, IsTheLibrarysAndHasTheGradientOfFiniteDifferences) {
    at::Tensor const x = random_tensor({3, 14}, at::kDouble, 1) * 4 + 1, weight = random_tensor({14}, at::kDouble, 2),
                     bias = random_tensor({14}, at::kDouble, 3), dy = random_tensor({3, 14}, at::kDouble, 4);
    EXPECT_LE(relative_error(layer_norm(x, weight, bias, eps), at::layer_norm(x, {14}, weight, bias, eps)), 1e-12);
    auto const forward = [&](at::Tensor const& rows) { return layer_norm(rows, weight, bias, eps); };
    EXPECT_LE(relative_error(layer_norm_backward(dy, x, weight, eps), finite_difference(forward, x, dy)), 1e-7);
}

TEST(Swiglu, GradientEqualsFiniteDifferences) {
    at::Tensor const x = random_tensor({3, 14}, at::kDouble, 1) * 4, dy = random_tensor({3, 7}, at::kDouble, 2);
    EXPECT_LE(relative_error(swiglu_backward(dy, x), finite_difference(swiglu, x, dy)), 1e-8);
}

TEST(Swiglu, RowsAreIndependent) {
    for (auto dtype : storage_types())
        expect_rows_independent(swiglu, random_tensor({6, 38}, dtype, 1), "swiglu");
}

TEST(Rotation, EqualsItsReferenceAndItsInverseUndoesIt) {
    for (auto dtype : storage_types()) {
        RotaryTable const table = make_rotary_table(16, 6, 1e4, dtype);
        at::Tensor const positions = at::tensor(std::vector<std::int64_t>{0, 1, 2, 0, 15}, at::kLong),
                         x = random_tensor({5, 3, 6}, dtype, 1);
        at::Tensor const kernel = x.clone(), reference = x.clone();
        rotate_heads(kernel, positions, table, Rotation::forward);
        generic::rotate_heads(reference, positions, table, Rotation::forward);
        EXPECT_LE(relative_error(kernel, reference), rounding_of(dtype));
        EXPECT_TRUE(at::equal(kernel[0], x[0])) << "position 0 turns nothing";
        EXPECT_FALSE(at::equal(kernel[4], x[4]));
        rotate_heads(kernel, positions, table, Rotation::inverse);
        EXPECT_LE(relative_error(kernel, x), std::max(1e-6, rounding_of(dtype)));
    }
}

TEST(Rotation, TurnsASliceOfAWiderTensorInPlace) {
    RotaryTable const table = make_rotary_table(4, 4, 1e4, at::kFloat);
    at::Tensor const wide = random_tensor({3, 5, 4}, at::kFloat, 1), before = wide.clone();
    at::Tensor const positions = at::arange(3);
    rotate_heads(wide.slice(1, 1, 3), positions, table, Rotation::forward);
    at::Tensor const alone = before.slice(1, 1, 3).contiguous();
    rotate_heads(alone, positions, table, Rotation::forward);
    EXPECT_TRUE(at::equal(wide.slice(1, 1, 3), alone));
    EXPECT_TRUE(at::equal(wide.slice(1, 0, 1), before.slice(1, 0, 1)));
    EXPECT_TRUE(at::equal(wide.slice(1, 3), before.slice(1, 3)));
}

TEST(RotaryTable, ARowDoesNotDependOnTheTablesLength) {
    RotaryTable const small = make_rotary_table(3, 24, 1e6, at::kFloat),
                      large = make_rotary_table(301, 24, 1e6, at::kFloat);
    EXPECT_TRUE(at::equal(small.cos, large.cos.slice(0, 0, 3)));
    EXPECT_TRUE(at::equal(small.sin, large.sin.slice(0, 0, 3)));
    // Position 2, second frequency: 2 * theta^(-2/24).
    EXPECT_NEAR(large.cos[2][1].item<double>(), std::cos(2 * std::pow(1e6, -2.0 / 24)), 1e-6);
}

TEST(RowOps, TakeNoRows) {
    EXPECT_EQ(rms_norm(at::empty({0, 8}), at::ones({8}), eps).size(0), 0);
    EXPECT_EQ(swiglu(at::empty({0, 8})).size(0), 0);
}

}  // namespace
}  // namespace gatesweep
