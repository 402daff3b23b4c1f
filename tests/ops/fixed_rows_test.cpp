// Products by rows of one number: right, and a row's bits the same wherever it stands, at any address.
#include "ops/fixed_rows.h"

#include <gtest/gtest.h>

#include "support/tensors.h"

namespace gatesweep {
namespace {

at::Tensor product(at::Tensor const& x, at::Tensor const& weight) {
    at::Tensor result = at::full({x.size(0), weight.size(0)}, 7, x.options());
    fixed_rows::multiply(x, weight.t(), result);
    return result;
}

TEST(FixedRows, GiveTheProduct) {
    at::Tensor const w = random_tensor({40, 96}, at::kDouble, 1);
    for (std::int64_t n : {std::int64_t{0}, std::int64_t{1}, std::int64_t{17}, fixed_rows::tile, fixed_rows::tile + 1,
                           3 * fixed_rows::tile}) {
        at::Tensor const x = random_tensor({n, 96}, at::kDouble, 2);
        EXPECT_TRUE(at::allclose(product(x, w), at::mm(x, w.t()), 1e-12, 1e-12)) << n << " rows";
    }
}

TEST(FixedRows, ARowsBitsDependOnTheRowAlone) {
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        // Rows of 37 begin anywhere, those of 128 always alike.
        for (std::int64_t columns : {37, 128}) {
            at::Tensor const w = random_tensor({50, columns}, dtype, 3),
                             x = random_tensor({2 * fixed_rows::tile + 90, columns}, dtype, 4);
            at::Tensor const whole = product(x, w);
            for (std::int64_t first : {std::int64_t{0}, std::int64_t{1}, fixed_rows::tile - 1, fixed_rows::tile + 13}) {
                for (std::int64_t n : {std::int64_t{1}, std::int64_t{3}, std::int64_t{77}, fixed_rows::tile}) {
                    at::Tensor const rows = x.slice(0, first, first + n);
                    EXPECT_TRUE(at::equal(product(rows, w), whole.slice(0, first, first + n)))
                        << n << " rows from " << first;
                }
            }
        }
    }
}

TEST(FixedRows, WriteNothingBesideTheirRows) {
    at::Tensor const w = random_tensor({50, 37}, at::kFloat, 5), x = random_tensor({30, 37}, at::kFloat, 6);
    at::Tensor const place = at::full({50, 50}, 7, x.options());
    fixed_rows::multiply(x, w.t(), place.slice(0, 10, 40));
    EXPECT_TRUE(at::equal(place.slice(0, 10, 40), product(x, w)));
    EXPECT_TRUE(place.slice(0, 0, 10).eq(7).all().item<bool>() && place.slice(0, 40).eq(7).all().item<bool>());
}

}  // namespace
}  // namespace gatesweep
