// From hidden states to tokens and scores: the loops of the CPU against log-softmax written out, and against what runs
// on other devices.
#include "gatesweep/ops/output_head.h"

#include "ops/generic/generic_ops.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

constexpr std::int64_t num_rows = 9, d = 6, vocab = 41;

std::vector<std::int32_t> const ids = {3, 40, 0, 7, 7, 21, 33, 2, 1};

at::Tensor logits_of(at::Tensor const& hidden, at::Tensor const& head) {
    return token_linear(hidden, LinearWeight(head)).to(at::kFloat);
}

TEST(GreedyTokens, AreTheFirstOfTheLargest) {
    for (auto dtype : storage_types()) {
        // Small integers, so that many logits are equal.
        at::Tensor const hidden = (random_tensor({num_rows, d}, at::kDouble, 1) * 2).round().to(dtype),
                         head = (random_tensor({vocab, d}, at::kDouble, 2)).round().to(dtype);
        at::Tensor const logits = logits_of(hidden, head), elsewhere = generic::greedy_tokens(logits);
        std::vector<std::int32_t> const tokens = greedy_tokens(hidden, LinearWeight(head));
        for (std::int64_t t = 0; t < num_rows; ++t) {
            std::int64_t best = 0;
            for (std::int64_t v = 1; v < vocab; ++v) {
                if (logits[t][v].item<float>() > logits[t][best].item<float>()) best = v;
            }
            EXPECT_EQ(tokens[static_cast<std::size_t>(t)], best) << t;
            EXPECT_EQ(elsewhere[t].item<std::int64_t>(), best) << t;
        }
    }
}

TEST(TargetLogProbs, AreLogSoftmax) {
    for (auto dtype : storage_types()) {
        at::Tensor const hidden = random_tensor({num_rows, d}, dtype, 1),
                         head = random_tensor({vocab, d}, dtype, 2) * 3;
        at::Tensor const log_p = generic::log_probabilities(token_linear(hidden, LinearWeight(head)));
        std::vector<double> const result = target_log_probs(hidden, LinearWeight(head), ids);
        ASSERT_EQ(std::ssize(result), num_rows);
        for (std::int64_t t = 0; t < num_rows; ++t)
            EXPECT_NEAR(result[static_cast<std::size_t>(t)], log_p[t][ids[static_cast<std::size_t>(t)]].item<double>(),
                        1e-5);
    }
}

TEST(TextScorer, SumsLossAndDivergence) {
    for (auto dtype : storage_types()) {
        at::Tensor const reference = random_tensor({num_rows, d}, dtype, 1),
                         other = random_tensor({num_rows, d}, dtype, 2), head = random_tensor({vocab, d}, dtype, 3) * 3;
        LinearWeight const weight(head);
        TextScorer const scorer(reference, weight, ids);
        at::Tensor const log_p = generic::log_probabilities(token_linear(reference, weight)).slice(0, 0, num_rows - 1),
                         logits = token_linear(other, weight).slice(0, 0, num_rows - 1);
        std::vector<std::int64_t> const next(ids.begin() + 1, ids.end());
        at::Tensor const elsewhere =
            generic::text_scores(logits, log_p.to(at::kFloat), at::tensor(next, at::kLong)).sum(0);
        at::Tensor const log_q = generic::log_probabilities(logits);
        double nll = 0, kl = 0;
        for (std::int64_t t = 0; t + 1 < num_rows; ++t) {
            nll -= log_q[t][ids[static_cast<std::size_t>(t + 1)]].item<double>();
            kl += (log_p[t].exp() * (log_p[t] - log_q[t])).sum().item<double>();
        }
        TextScore const score = scorer.score(other);
        EXPECT_EQ(score.num_targets, num_rows - 1);
        EXPECT_NEAR(score.nll_sum, nll, 1e-5 * nll);
        EXPECT_NEAR(score.kl_sum, kl, 1e-5 * kl);
        EXPECT_NEAR(elsewhere[0].item<double>(), nll, 1e-5 * nll);
        EXPECT_NEAR(elsewhere[1].item<double>(), kl, 1e-5 * kl);
    }
}

TEST(TextScorer, EqualHiddenStatesDivergeByNothing) {
    at::Tensor const hidden = random_tensor({num_rows, d}, at::kFloat, 1),
                     head = random_tensor({vocab, d}, at::kFloat, 2) * 3;
    TextScorer const scorer(hidden, LinearWeight(head), ids);
    EXPECT_EQ(scorer.score(hidden).kl_sum, 0.0);
    EXPECT_EQ(scorer.score(hidden).nll_sum, scorer.reference().nll_sum);
    at::Tensor const logits = logits_of(hidden, head), log_p = generic::log_probabilities(logits).to(at::kFloat);
    EXPECT_EQ(
        generic::text_scores(logits, log_p, at::zeros({num_rows}, at::kLong)).select(1, 1).abs().max().item<double>(),
        0.0);
}

TEST(OutputHead, TakesNoRows) {
    LinearWeight const head(random_tensor({vocab, d}, at::kFloat, 2));
    EXPECT_TRUE(greedy_tokens(at::empty({0, d}), head).empty());
    EXPECT_TRUE(target_log_probs(at::empty({0, d}), head, {}).empty());
    std::vector<std::int32_t> const one = {5};
    TextScorer const scorer(at::ones({1, d}), head, one);
    EXPECT_EQ(scorer.reference().num_targets, 0);
    EXPECT_EQ(scorer.score(at::ones({1, d})).nll_sum, 0.0);
}

}  // namespace
}  // namespace gatesweep
