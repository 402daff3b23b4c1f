// The matrix product that promises a row the same bits whatever is computed with it.
#include "gatesweep/model/linear.h"

#include "support/tensors.h"

namespace gatesweep {
namespace {

struct Shape {
    std::int64_t in, out;
};

// A sum of 1024 terms and more takes other ways through the libraries; so does a router's few columns.
std::vector<Shape> const shapes = {{48, 40}, {64, 96}, {128, 8}, {128, 256}, {256, 128}, {1024, 64}, {4096, 700}};

TEST(Linear, EqualsTheProductInFloat64) {
    for (auto dtype : storage_types()) {
        for (auto const& [in, out] : shapes) {
            at::Tensor const x = random_tensor({37, in}, dtype, 1), w = random_tensor({out, in}, dtype, 2),
                             dy = random_tensor({37, out}, dtype, 3);
            at::Tensor const wide = w.to(at::kDouble);
            EXPECT_LE(relative_error(token_linear(x, w), at::matmul(x.to(at::kDouble), wide.t())), rounding_of(dtype))
                << in << " " << out;
            EXPECT_LE(relative_error(token_linear_input_gradient(dy, w), at::matmul(dy.to(at::kDouble), wide)),
                      rounding_of(dtype));
        }
    }
}

TEST(Linear, ARowsBitsDependOnTheRowAlone) {
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        for (auto const& [in, out] : shapes) {
            at::Tensor const w = random_tensor({out, in}, dtype, 2);
            at::set_num_threads(1);
            at::Tensor const x = random_tensor({150, in}, dtype, 1), dy = random_tensor({150, out}, dtype, 3);
            at::Tensor const y = token_linear(x, w), dx = token_linear_input_gradient(dy, w);
            for (int threads : {1, 2}) {
                at::set_num_threads(threads);
                for (std::int64_t rows : {1, 2, 3, 4, 5, 8, 13, 16, 33, 64, 100}) {
                    for (std::int64_t begin : {0, 7, 50}) {
                        std::int64_t const end = begin + rows;
                        EXPECT_TRUE(at::equal(token_linear(x.slice(0, begin, end), w), y.slice(0, begin, end)))
                            << dtype << " " << in << " x " << out << ", rows " << begin << " to " << end << ", threads "
                            << threads;
                        EXPECT_TRUE(
                            at::equal(token_linear_input_gradient(dy.slice(0, begin, end), w), dx.slice(0, begin, end)))
                            << dtype << " gradient " << in << " x " << out << ", rows " << begin << " to " << end
                            << ", threads " << threads;
                    }
                }
            }
        }
    }
    at::set_num_threads(1);
}

TEST(Linear, TakesNoRows) {
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        at::Tensor const w = random_tensor({7, 2048}, dtype, 1);
        EXPECT_EQ(token_linear(at::empty({0, 2048}, dtype), w).sizes(), (std::vector<std::int64_t>{0, 7}));
        EXPECT_EQ(token_linear_input_gradient(at::empty({0, 7}, dtype), w).sizes(),
                  (std::vector<std::int64_t>{0, 2048}));
    }
}

TEST(Linear, PadsToTheMultiple) {
    EXPECT_EQ(padded_rows(0), 0);
    EXPECT_EQ(padded_rows(1), row_multiple);
    EXPECT_EQ(padded_rows(row_multiple), row_multiple);
    EXPECT_EQ(padded_rows(row_multiple + 1), 2 * row_multiple);
}

}  // namespace
}  // namespace gatesweep
