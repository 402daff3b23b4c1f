// Our matrix products: right against float64, and the same bits for a row whatever surrounds it.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "gatesweep/ops/linear.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

struct Shape {
    std::int64_t outputs, inputs;
};

// Multiples of nothing, of everything, single elements, and sums longer than one chunk of the depth.
constexpr std::array shapes = {Shape{1, 1},     Shape{1, 37},      Shape{33, 1},    Shape{8, 96},
                               Shape{31, 31},   Shape{32, 32},     Shape{70, 65},   Shape{96, 512},
                               Shape{45, 1111}, Shape{1030, 1024}, Shape{300, 2050}};

at::Tensor random(at::IntArrayRef sizes, at::ScalarType dtype, std::uint64_t seed) {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
    return at::randn(sizes, generator).to(dtype);
}

class EveryKernel : public testing::TestWithParam<std::string> {
protected:
    void SetUp() override { use_gemm_kernel(GetParam()); }
    void TearDown() override {
        use_gemm_kernel(gemm_kernel_names().front());
        at::set_num_threads(1);
    }
};

// Error of a sum of n products in float32, and of one rounding to the stored type, as a fraction of the sum of
// magnitudes.
double tolerance(at::ScalarType dtype, std::int64_t n) {
    return static_cast<double>(n) * 1.2e-7 + (dtype == at::kBFloat16 ? 4e-3 : 0.0);
}

void expect_near(at::Tensor const& result, at::Tensor const& x, at::Tensor const& matrix, std::string const& what) {
    at::Tensor const exact = at::mm(x.to(at::kDouble), matrix.to(at::kDouble));
    at::Tensor const magnitude = at::mm(x.to(at::kDouble).abs(), matrix.to(at::kDouble).abs());
    ASSERT_EQ(result.sizes(), exact.sizes()) << what;
    ASSERT_EQ(result.scalar_type(), x.scalar_type()) << what;
    at::Tensor const off = (result.to(at::kDouble) - exact).abs() - magnitude * tolerance(x.scalar_type(), x.size(1));
    EXPECT_LE(off.max().item<double>(), 0.0) << what;
}

TEST_P(EveryKernel, EqualsTheProductInFloat64) {
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        for (Shape const shape : shapes) {
            at::Tensor const w = random({shape.outputs, shape.inputs}, dtype, 1);
            LinearWeight const weight(w);
            for (std::int64_t rows : {1, 2, 5, 17, 40, 530}) {
                std::string const what =
                    fmt::format("{} rows, {} x {} {}", rows, shape.outputs, shape.inputs, at::toString(dtype));
                at::Tensor const x = random({rows, shape.inputs}, dtype, 2),
                                 dy = random({rows, shape.outputs}, dtype, 3);
                expect_near(token_linear(x, weight), x, w.t(), what);
                expect_near(token_linear_input_gradient(dy, weight), dy, w, what + " gradient");
            }
        }
    }
}

TEST_P(EveryKernel, ARowsBitsDependOnNothingButTheRow) {
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        for (Shape const shape : shapes) {
            LinearWeight const weight(random({shape.outputs, shape.inputs}, dtype, 4));
            at::Tensor const x = random({531, shape.inputs}, dtype, 5), dy = random({531, shape.outputs}, dtype, 6);
            at::set_num_threads(1);
            at::Tensor const y = token_linear(x, weight), dx = token_linear_input_gradient(dy, weight);
            for (int threads : {1, 2}) {
                at::set_num_threads(threads);
                // Every size up to more than two blocks of any kernel, at places that move, then large ones.
                std::int64_t first = 0;
                for (std::int64_t rows = 1; rows <= 531; rows = rows < 70 ? rows + 1 : rows + 153) {
                    first = (first + 97) % (532 - rows);
                    std::string const what = fmt::format("{} rows from {}, {} x {} {}, {} threads", rows, first,
                                                         shape.outputs, shape.inputs, at::toString(dtype), threads);
                    EXPECT_TRUE(at::equal(token_linear(x.slice(0, first, first + rows), weight),
                                          y.slice(0, first, first + rows)))
                        << what;
                    if (rows % 9 != 1) continue;
                    EXPECT_TRUE(at::equal(token_linear_input_gradient(dy.slice(0, first, first + rows), weight),
                                          dx.slice(0, first, first + rows)))
                        << what << " gradient";
                }
            }
        }
    }
}

TEST_P(EveryKernel, GroupsEqualTheirProductsOneByOne) {
    std::array<std::int64_t, 6> const offsets = {0, 1, 1, 40, 700, 703};
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        std::vector<LinearWeight> weights;
        for (std::uint64_t i = 0; i < 5; ++i)
            weights.emplace_back(random({50, 70}, dtype, 10 + i));
        at::Tensor const x = random({703, 70}, dtype, 7), dy = random({703, 50}, dtype, 8);
        for (int threads : {1, 2}) {
            at::set_num_threads(threads);
            at::Tensor const y = grouped_linear(x, offsets, weights),
                             dx = grouped_linear_input_gradient(dy, offsets, weights);
            for (std::size_t i = 0; i < weights.size(); ++i) {
                auto const rows = [&](at::Tensor const& all) { return all.slice(0, offsets[i], offsets[i + 1]); };
                EXPECT_TRUE(at::equal(rows(y), token_linear(rows(x), weights[i]))) << i;
                EXPECT_TRUE(at::equal(rows(dx), token_linear_input_gradient(rows(dy), weights[i]))) << i;
            }
        }
    }
}

TEST_P(EveryKernel, NotANumberAndInfinityStayInTheirRowAndColumn) {
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        at::Tensor const w = random({40, 50}, dtype, 1), x = random({20, 50}, dtype, 2);
        LinearWeight const clean(w);
        at::Tensor const y = token_linear(x, clean);
        for (double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
            at::Tensor const bad_x = x.clone();
            bad_x[3][49].fill_(bad);
            at::Tensor const bad_row = token_linear(bad_x, clean);
            EXPECT_FALSE(bad_row[3].isfinite().any().item<bool>());
            EXPECT_TRUE(at::equal(bad_row.slice(0, 4), y.slice(0, 4)));
            at::Tensor const bad_w = w.clone();
            bad_w[39][0].fill_(bad);
            at::Tensor const bad_column = token_linear(x, LinearWeight(bad_w));
            EXPECT_FALSE(bad_column.select(1, 39).isfinite().any().item<bool>());
            EXPECT_TRUE(at::equal(bad_column.slice(1, 0, 39), y.slice(1, 0, 39)));
        }
    }
}

TEST_P(EveryKernel, LaysOutWhatItGivesBack) {
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        for (Shape const shape : shapes) {
            at::Tensor const w = random({shape.outputs, shape.inputs}, dtype, 9);
            EXPECT_TRUE(at::equal(LinearWeight(w).plain(), w));
            EXPECT_TRUE(at::equal(LinearWeight(w.t()).plain(), w.t())) << "a weight that is not row-major";
        }
    }
}

// Fused multiply-adds in one order give one result, at any vector width.
TEST(Kernels, TheTwoOfMultiplyAddsAgree) {
    auto const names = gemm_kernel_names();
    if (std::count(names.begin(), names.end(), "avx512") == 0) GTEST_SKIP() << "no AVX-512 here";
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        LinearWeight const weight(random({70, 300}, dtype, 1));
        at::Tensor const x = random({50, 300}, dtype, 2);
        use_gemm_kernel("avx2");
        at::Tensor const y = token_linear(x, weight);
        use_gemm_kernel("avx512");
        EXPECT_TRUE(at::equal(token_linear(x, weight), y));
    }
    use_gemm_kernel(names.front());
}

TEST(Kernels, RowsNeedNotBeDense) {
    LinearWeight const weight(random({40, 50}, at::kFloat, 1));
    at::Tensor const wide = random({9, 120}, at::kFloat, 2), x = wide.slice(1, 30, 80);
    EXPECT_TRUE(at::equal(token_linear(x, weight), token_linear(x.contiguous(), weight)));
    at::Tensor const turned = random({50, 9}, at::kFloat, 3).t();
    EXPECT_TRUE(at::equal(token_linear(turned, weight), token_linear(turned.contiguous(), weight)));
}

TEST(Kernels, NoRowsGiveNoRows) {
    LinearWeight const weight(random({40, 50}, at::kFloat, 1));
    EXPECT_EQ(token_linear(at::empty({0, 50}), weight).sizes(), (at::IntArrayRef{0, 40}));
    EXPECT_EQ(token_linear_input_gradient(at::empty({0, 40}), weight).sizes(), (at::IntArrayRef{0, 50}));
}

TEST(Kernels, AnUnknownNameNamesThoseThatAreHere) {
    EXPECT_ERROR(use_gemm_kernel("abacus"), ExitCode::unavailable, "abacus", "portable");
}

// float64 keeps the weight as it is: what is changed in it is seen.
TEST(LinearWeight, KeepsFloat64InPlace) {
    at::Tensor const w = random({6, 10}, at::kDouble, 1), x = random({3, 10}, at::kDouble, 2);
    LinearWeight const weight(w);
    EXPECT_FALSE(weight.is_laid_out());
    w[2][5] += 1.0;
    expect_near(token_linear(x, weight), x, w.t(), "changed in place");
    EXPECT_EQ(weight.num_bytes(), 480U);
}

INSTANTIATE_TEST_SUITE_P(Kernels, EveryKernel, testing::ValuesIn(gemm_kernel_names()),
                         [](auto const& p) { return p.param; });

}  // namespace
}  // namespace gatesweep
