// Sinks of attention: they take their share of every softmax and give nothing, in prefill, in the gradient and over a
// cache.
#include <cmath>

#include "gatesweep/ops/attention.h"
#include "gatesweep/ops/cached_attention.h"
#include "ops/generic/generic_ops.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

struct Scene {
    std::vector<std::int64_t> offsets;
    AttentionInput in;
    at::Tensor dy;

    Scene(std::vector<std::int64_t> const& sequences, std::int64_t num_heads, std::int64_t num_kv_heads,
          std::int64_t head_dim, std::optional<std::int64_t> window, at::ScalarType dtype)
        : offsets(sequences) {
        std::int64_t const n = offsets.back();
        in = {random_tensor({n, num_heads, head_dim}, dtype, 1),
              random_tensor({n, num_kv_heads, head_dim}, dtype, 2),
              random_tensor({n, num_kv_heads, head_dim}, dtype, 3),
              offsets,
              window,
              1.0 / std::sqrt(static_cast<double>(head_dim)),
              {},
              random_tensor({num_heads}, dtype, 5) * 3};
        dy = random_tensor({n, num_heads, head_dim}, dtype, 4);
    }
    Scene(Scene const&) = delete;
};

TEST(Sinks, EqualTheirReferenceInEveryType) {
    for (auto dtype : storage_types()) {
        for (auto const window : {std::optional<std::int64_t>(), std::optional<std::int64_t>(4)}) {
            Scene const t({0, 3, 4, 40}, 6, 2, 24, window, dtype);
            EXPECT_LE(relative_error(attention(t.in), generic::attention(t.in)), rounding_of(dtype));
            AttentionGradient const g = attention_backward(t.in, t.dy),
                                    reference = generic::attention_backward(t.in, t.dy);
            EXPECT_LE(relative_error(g.dq, reference.dq), rounding_of(dtype));
            EXPECT_LE(relative_error(g.dk, reference.dk), rounding_of(dtype));
            EXPECT_LE(relative_error(g.dv, reference.dv), rounding_of(dtype));
        }
    }
}

TEST(Sinks, AreOneMoreKeyWhoseValueIsZero) {
    // The first query of each head sees its own key alone.
    for (auto dtype : storage_types()) {
        Scene const t({0, 5}, 4, 2, 8, std::nullopt, dtype);
        at::Tensor const y = attention(t.in).to(at::kDouble);
        for (std::int64_t h = 0; h < 4; ++h) {
            at::Tensor const q = t.in.q[0][h].to(at::kDouble), k = t.in.k[0][h / 2].to(at::kDouble);
            double const score = std::exp((q * k).sum().item<double>() * t.in.scale),
                         sink = std::exp(t.in.sinks[h].to(at::kDouble).item<double>());
            at::Tensor const expected = t.in.v[0][h / 2].to(at::kDouble) * (score / (score + sink));
            EXPECT_LE(relative_error(y[0][h], expected), rounding_of(dtype)) << "head " << h;
        }
    }
}

TEST(Sinks, GradientEqualsFiniteDifferences) {
    Scene const t({0, 2, 6}, 4, 2, 3, 2, at::kDouble);
    AttentionGradient const g = attention_backward(t.in, t.dy);
    auto const of = [&](at::Tensor AttentionInput::*member) {
        return finite_difference(
            [&](at::Tensor const& x) {
                AttentionInput moved = t.in;
                moved.*member = x;
                return attention(moved);
            },
            t.in.*member, t.dy);
    };
    EXPECT_LE(relative_error(g.dq, of(&AttentionInput::q)), 1e-7);
    EXPECT_LE(relative_error(g.dk, of(&AttentionInput::k)), 1e-7);
    EXPECT_LE(relative_error(g.dv, of(&AttentionInput::v)), 1e-7);
}

TEST(Sinks, FarBelowAllScoresChangeNoBit) {
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        Scene const t({0, 9, 20}, 4, 2, 16, 4, dtype);
        AttentionInput low = t.in, none = t.in;
        low.sinks = at::full({4}, -1e30, dtype);
        none.sinks = at::Tensor();
        EXPECT_TRUE(at::equal(attention(low), attention(none)));
        EXPECT_TRUE(at::equal(attention_backward(low, t.dy).dk, attention_backward(none, t.dy).dk));
    }
}

TEST(Sinks, OfACachedQueryGiveTheBitsOfPrefill) {
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        for (auto const window : {std::optional<std::int64_t>(), std::optional<std::int64_t>(5)}) {
            std::int64_t const n = 70, num_kv_heads = 2, d = 24;
            Scene const t({0, n}, 6, num_kv_heads, d, window, dtype);
            at::Tensor const y = attention(t.in);
            at::Tensor const k = at::zeros({2, num_kv_heads, n, d}, dtype), v = at::zeros_like(k);
            k[1].copy_(t.in.k.transpose(0, 1));
            v[1].copy_(t.in.v.transpose(0, 1));
            std::vector<std::int64_t> const slots = {1, 1, 1}, positions = {0, 33, n - 1};
            at::Tensor const where = at::tensor(positions, at::kLong);
            CachedAttentionInput const cached{
                t.in.q.index_select(0, where), k, v, slots, positions, window, t.in.scale, {}, {}, t.in.sinks};
            EXPECT_TRUE(at::equal(cached_attention(cached), y.index_select(0, where)));
            EXPECT_LE(relative_error(generic::cached_attention(cached), y.index_select(0, where)), rounding_of(dtype));
        }
    }
}

}  // namespace
}  // namespace gatesweep
