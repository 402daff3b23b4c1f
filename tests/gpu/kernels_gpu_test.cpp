// What runs on a GPU, kernels and flash attention, against the same operations on the CPU.
#include "gatesweep/ops/attention.h"
#include "gatesweep/ops/cached_attention.h"
#include "gatesweep/ops/output_head.h"
#include "gatesweep/ops/router.h"
#include "gatesweep/ops/row_ops.h"
#include "gpu_test.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

class KernelsOnGpu : public GpuTest {
protected:
    at::Tensor here(at::Tensor const& x) const { return x.to(device_); }
    // f of the tensors on the GPU against f of them on the CPU.
    template <class Function, class... Tensors>
    void expect_same(Function const& f, double tolerance, Tensors const&... x) const {
        EXPECT_LE(relative_error(f(here(x)...).cpu(), f(x...)), tolerance);
    }
};

std::vector<at::ScalarType> const types = {at::kFloat, at::kBFloat16};

TEST_F(KernelsOnGpu, RowOperations) {
    for (auto dtype : types) {
        double const tolerance = rounding_of(dtype);
        at::Tensor const x = random_tensor({7, 4096}, dtype, 1), w = random_tensor({4096}, dtype, 2),
                         dy = random_tensor({7, 4096}, dtype, 3);
        expect_same([](auto const& a, auto const& b) { return rms_norm(a, b, 1e-5); }, tolerance, x, w);
        expect_same([](auto const& a, auto const& b, auto const& c) { return rms_norm_backward(c, a, b, 1e-5); },
                    tolerance, x, w, dy);
        expect_same([](auto const& a) { return swiglu(a); }, tolerance, x);
        expect_same([](auto const& a, auto const& b) { return swiglu_backward(a.slice(1, 0, 2048).contiguous(), b); },
                    tolerance, dy, x);
    }
}

TEST_F(KernelsOnGpu, Rotation) {
    for (auto dtype : types) {
        RotaryTable const table = make_rotary_table(64, 128, 1e6, dtype), there{here(table.cos), here(table.sin)};
        at::Tensor const positions = at::tensor(std::vector<std::int64_t>{0, 63, 5}, at::kLong),
                         x = random_tensor({3, 6, 128}, dtype, 1);
        at::Tensor const on_cpu = x.clone(), on_gpu = here(x);
        rotate_heads(on_cpu.slice(1, 1, 5), positions, table, Rotation::forward);
        rotate_heads(on_gpu.slice(1, 1, 5), here(positions), there, Rotation::forward);
        EXPECT_LE(relative_error(on_gpu.cpu(), on_cpu), rounding_of(dtype));
    }
}

TEST_F(KernelsOnGpu, RoutesAndCombines) {
    RouterEdits edits(1, 8);
    for (EditMode mode : {EditMode::mask, EditMode::zero, EditMode::zero_renormalise, EditMode::steer, EditMode::bias})
        edits.add(mode, EditScope::both, std::vector<RouterEdit>{{0, 1, 1.0}, {0, 6, -0.75}});
    std::vector<std::int32_t> entries;
    for (std::int32_t t = 0; t < 300; ++t)
        entries.push_back(t % 6);
    RowEdits const rows{&edits, entries};
    for (auto dtype : types) {
        at::Tensor const logits = random_tensor({300, 8}, dtype, 1) * 4, slots = random_tensor({600, 96}, dtype, 2),
                         dy = random_tensor({300, 96}, dtype, 3);
        Routing const expected = route(logits, 2, rows), routing = route(here(logits), 2, rows);
        EXPECT_TRUE(at::equal(routing.expert_ids, expected.expert_ids));
        EXPECT_LE(relative_error(routing.routing_weights.cpu(), expected.routing_weights), 1e-6);
        EXPECT_LE(relative_error(combine(here(slots), routing).cpu(), combine(slots, expected)), rounding_of(dtype));
        CombineGradient const g = combine_backward(here(dy), here(slots), routing),
                              reference = combine_backward(dy, slots, expected);
        EXPECT_LE(relative_error(g.d_slot_outputs.cpu(), reference.d_slot_outputs), rounding_of(dtype));
        EXPECT_LE(relative_error(g.d_routing_weights.cpu(), reference.d_routing_weights), rounding_of(dtype));
    }
}

TEST_F(KernelsOnGpu, AttendsForthAndBack) {
    std::vector<std::int64_t> const offsets = {0, 4, 5, 5, 70, 200};
    for (auto dtype : types) {
        for (auto window : {std::optional<std::int64_t>(), std::optional<std::int64_t>(7)}) {
            at::Tensor const heads = random_tensor({200, 12, 128}, dtype, 1),
                             dy = random_tensor({200, 8, 128}, dtype, 2);
            auto const input = [&](at::Tensor const& x) {
                return AttentionInput{x.slice(1, 0, 8), x.slice(1, 8, 10), x.slice(1, 10), offsets, window, 0.09};
            };
            EXPECT_LE(relative_error(attention(input(here(heads))).cpu(), attention(input(heads))), rounding_of(dtype));
            AttentionGradient const g = attention_backward(input(here(heads)), here(dy)),
                                    again = attention_backward(input(here(heads)), here(dy)),
                                    expected = attention_backward(input(heads), dy);
            EXPECT_LE(relative_error(g.dq.cpu(), expected.dq), rounding_of(dtype));
            EXPECT_LE(relative_error(g.dk.cpu(), expected.dk), rounding_of(dtype));
            EXPECT_LE(relative_error(g.dv.cpu(), expected.dv), rounding_of(dtype));
            EXPECT_TRUE(at::equal(g.dq, again.dq) && at::equal(g.dk, again.dk) && at::equal(g.dv, again.dv));
        }
    }
}

// What libtorch's flash attention is trusted with: the splits of its backward pass, too, do not depend on the batch.
TEST_F(KernelsOnGpu, AttendsToASequenceAloneAsInABatch) {
    std::vector<std::int64_t> const offsets = {0, 4, 5, 70, 700}, alone = {0, 630};
    for (std::int64_t heads : {8, 32}) {
        at::Tensor const x = here(random_tensor({700, heads + 4, 128}, at::kBFloat16, 1)),
                         dy = here(random_tensor({700, heads, 128}, at::kBFloat16, 2));
        auto const input = [&](at::Tensor const& rows, std::vector<std::int64_t> const& of) {
            return AttentionInput{
                rows.slice(1, 0, heads), rows.slice(1, heads, heads + 2), rows.slice(1, heads + 2), of, {}, 0.09};
        };
        at::Tensor const last = x.slice(0, 70), d_last = dy.slice(0, 70);
        EXPECT_TRUE(at::equal(attention(input(x, offsets)).slice(0, 70), attention(input(last, alone))));
        AttentionGradient const all = attention_backward(input(x, offsets), dy),
                                own = attention_backward(input(last, alone), d_last);
        EXPECT_TRUE(at::equal(all.dq.slice(0, 70), own.dq) && at::equal(all.dk.slice(0, 70), own.dk) &&
                    at::equal(all.dv.slice(0, 70), own.dv));
    }
}

TEST_F(KernelsOnGpu, SumsRowsInOneOrder) {
    at::Tensor const x = random_tensor({300, 4099}, at::kDouble, 1), sums = row_sums(here(x));
    EXPECT_TRUE(at::allclose(sums.cpu(), x.sum(1), 1e-12, 1e-12));
    for (std::int64_t n : {1, 7, 64})
        EXPECT_TRUE(at::equal(row_sums(here(x.slice(0, 5, 5 + n))), sums.slice(0, 5, 5 + n))) << n;
}

TEST_F(KernelsOnGpu, AttendsToCachedKeys) {
    std::vector<std::int64_t> const slots = {3, 0, 2, 5}, positions = {0, 170, 6, 2};
    for (auto dtype : types) {
        for (auto window : {std::optional<std::int64_t>(), std::optional<std::int64_t>(40)}) {
            at::Tensor const q = random_tensor({4, 32, 128}, dtype, 1), k = random_tensor({6, 8, 180, 128}, dtype, 2),
                             v = random_tensor({6, 8, 180, 128}, dtype, 3);
            auto const f = [&](auto const& a, auto const& b, auto const& c) {
                return cached_attention({a, b, c, slots, positions, window, 0.09});
            };
            expect_same(f, rounding_of(dtype), q, k, v);
        }
    }
}

TEST_F(KernelsOnGpu, PicksTokensAndScoresTexts) {
    at::Tensor const hidden = random_tensor({40, 64}, at::kFloat, 1), other = random_tensor({40, 64}, at::kFloat, 2),
                     head = random_tensor({1000, 64}, at::kFloat, 3).round();
    std::vector<std::int32_t> ids;
    for (std::int32_t t = 0; t < 40; ++t)
        ids.push_back(t * 37 % 1000);
    LinearWeight const on_cpu(head), on_gpu(here(head));
    EXPECT_EQ(greedy_tokens(here(hidden.round()), on_gpu), greedy_tokens(hidden.round(), on_cpu));  // with many ties
    auto const a = target_log_probs(here(hidden), on_gpu, ids), b = target_log_probs(hidden, on_cpu, ids);
    for (std::size_t i = 0; i < ids.size(); ++i)
        EXPECT_NEAR(a[i], b[i], 1e-4);
    TextScorer const there(here(hidden), on_gpu, ids), expected(hidden, on_cpu, ids);
    EXPECT_NEAR(there.reference().nll_sum, expected.reference().nll_sum, 1e-2);
    EXPECT_NEAR(there.score(here(other)).kl_sum, expected.score(other).kl_sum, 1e-2);
    EXPECT_EQ(there.score(here(hidden)).kl_sum, 0.0);
}

}  // namespace
}  // namespace gatesweep
