// Attention over packed sequences: grouped heads, windows, and sequences that do not see each other.
#include "gatesweep/ops/attention.h"

#include <cmath>

#include "ops/generic/generic_ops.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

struct Case {
    std::int64_t num_heads, num_kv_heads, head_dim;
    std::vector<std::int64_t> offsets;
    std::optional<std::int64_t> window;
};

std::vector<Case> const cases = {
    {4, 4, 8, {0, 5}, std::nullopt},
    {4, 2, 24, {0, 3, 4, 11}, std::nullopt},
    {6, 1, 10, {0, 1, 20}, std::nullopt},
    {4, 2, 8, {0, 9, 20}, 4},
    {2, 2, 6, {0, 7}, 1},
    {2, 1, 16, {0, 6}, 100},
};

struct Tensors {
    std::vector<std::int64_t> offsets;
    AttentionInput in;
    at::Tensor dy;

    Tensors(Case const& c, at::ScalarType dtype) : offsets(c.offsets) {
        std::int64_t const n = offsets.back();
        in = {random_tensor({n, c.num_heads, c.head_dim}, dtype, 1),
              random_tensor({n, c.num_kv_heads, c.head_dim}, dtype, 2),
              random_tensor({n, c.num_kv_heads, c.head_dim}, dtype, 3),
              offsets,
              c.window,
              1.0 / std::sqrt(static_cast<double>(c.head_dim))};
        dy = random_tensor({n, c.num_heads, c.head_dim}, dtype, 4);
    }
};

TEST(Attention, EqualsItsReferenceInEveryType) {
    for (auto dtype : storage_types()) {
        for (auto const& c : cases) {
            Tensors const t(c, dtype);
            EXPECT_LE(relative_error(attention(t.in), generic::attention(t.in)), rounding_of(dtype));
            AttentionGradient const g = attention_backward(t.in, t.dy),
                                    reference = generic::attention_backward(t.in, t.dy);
            EXPECT_LE(relative_error(g.dq, reference.dq), rounding_of(dtype));
            EXPECT_LE(relative_error(g.dk, reference.dk), rounding_of(dtype));
            EXPECT_LE(relative_error(g.dv, reference.dv), rounding_of(dtype));
        }
    }
}

TEST(Attention, GradientEqualsFiniteDifferences) {
    for (auto window : {std::optional<std::int64_t>(), std::optional<std::int64_t>(2)}) {
        Tensors t({4, 2, 3, {0, 2, 6}, window}, at::kDouble);
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
}

TEST(Attention, AQuerySeesExactlyTheWindow) {
    // With equal keys the output is the mean of the visible values.
    std::vector<std::int64_t> const offsets = {0, 6};
    at::Tensor const v = at::arange(6, at::kDouble).view({6, 1, 1});
    AttentionInput const in{at::ones({6, 1, 1}, at::kDouble), at::ones({6, 1, 1}, at::kDouble), v, offsets, 3, 1.0};
    at::Tensor const y = attention(in).flatten();
    EXPECT_TRUE(at::allclose(y, at::tensor(std::vector<double>{0, 0.5, 1, 2, 3, 4}, at::kDouble)));
}

TEST(Attention, QueryHeadsShareTheKeysOfTheirGroup) {
    Tensors const t({4, 2, 8, {0, 5}, std::nullopt}, at::kFloat);
    at::Tensor const y = attention(t.in);
    for (std::int64_t h = 0; h < 4; ++h) {
        AttentionInput one = t.in;
        one.q = t.in.q.slice(1, h, h + 1).contiguous();
        one.k = t.in.k.slice(1, h / 2, h / 2 + 1).contiguous();
        one.v = t.in.v.slice(1, h / 2, h / 2 + 1).contiguous();
        EXPECT_TRUE(at::equal(attention(one), y.slice(1, h, h + 1))) << "head " << h;
    }
}

// Also with q, k and v as slices of one projection, as the decoder passes them.
TEST(Attention, ASequencesBitsAreItsOwn) {
    for (auto dtype : storage_types()) {
        for (auto window : {std::optional<std::int64_t>(), std::optional<std::int64_t>(3)}) {
            std::vector<std::int64_t> const offsets = {0, 4, 5, 5, 12};
            at::Tensor const heads = random_tensor({12, 8, 24}, dtype, 1), dy = random_tensor({12, 4, 24}, dtype, 2);
            auto const input = [&](std::int64_t begin, std::int64_t end, std::span<std::int64_t const> within) {
                at::Tensor const part = heads.slice(0, begin, end);
                return AttentionInput{
                    part.slice(1, 0, 4), part.slice(1, 4, 6), part.slice(1, 6, 8), within, window, 0.2};
            };
            at::set_num_threads(1);
            at::Tensor const y = attention(input(0, 12, offsets));
            AttentionGradient const g = attention_backward(input(0, 12, offsets), dy);
            for (int threads : {1, 2}) {
                at::set_num_threads(threads);
                for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
                    std::int64_t const begin = offsets[s], end = offsets[s + 1];
                    std::vector<std::int64_t> const alone = {0, end - begin};
                    EXPECT_TRUE(at::equal(attention(input(begin, end, alone)), y.slice(0, begin, end)))
                        << dtype << " sequence " << s;
                    AttentionGradient const a = attention_backward(input(begin, end, alone), dy.slice(0, begin, end));
                    EXPECT_TRUE(at::equal(a.dq, g.dq.slice(0, begin, end)));
                    EXPECT_TRUE(at::equal(a.dk, g.dk.slice(0, begin, end)));
                    EXPECT_TRUE(at::equal(a.dv, g.dv.slice(0, begin, end)));
                }
                EXPECT_TRUE(at::equal(attention(input(0, 12, offsets)), y)) << "threads " << threads;
            }
        }
    }
    at::set_num_threads(1);
}

TEST(Attention, LaterTokensDoNotChangeEarlierOnes) {
    Tensors const t({4, 2, 24, {0, 9}, std::nullopt}, at::kFloat);
    std::vector<std::int64_t> const shorter = {0, 5};
    AttentionInput const prefix{
        t.in.q.slice(0, 0, 5), t.in.k.slice(0, 0, 5), t.in.v.slice(0, 0, 5), shorter, t.in.window, t.in.scale};
    EXPECT_TRUE(at::equal(attention(prefix), attention(t.in).slice(0, 0, 5)));
}

TEST(Attention, TakesNoSequences) {
    std::vector<std::int64_t> const none = {0};
    AttentionInput const in{at::empty({0, 4, 8}), at::empty({0, 2, 8}), at::empty({0, 2, 8}), none, std::nullopt, 1.0};
    EXPECT_EQ(attention(in).size(0), 0);
    EXPECT_EQ(attention_backward(in, at::empty({0, 4, 8})).dk.size(0), 0);
}

}  // namespace
}  // namespace gatesweep
