// Loss of packed prompts against log-softmax written out, and its gradient.
#include "gatesweep/ops/next_token_loss.h"

#include <cmath>

#include "support/tensors.h"

namespace gatesweep {
namespace {

constexpr std::int64_t vocab = 37, d = 8;
std::vector<std::int64_t> const offsets = {0, 2, 7, 10};

at::Tensor token_ids() {
    std::vector<std::int64_t> ids;
    for (std::int64_t t = 0; t < offsets.back(); ++t)
        ids.push_back(t * 11 % vocab);
    return at::tensor(ids, at::kLong);
}

double expected_loss(at::Tensor const& hidden, at::Tensor const& head, std::int64_t begin, std::int64_t end) {
    at::Tensor const ids = token_ids();
    at::Tensor const log_p = at::log_softmax(at::matmul(hidden.to(at::kDouble), head.to(at::kDouble).t()), -1);
    double sum = 0;
    for (std::int64_t t = begin; t + 1 < end; ++t)
        sum -= log_p[t][ids[t + 1].item<std::int64_t>()].item<double>();
    return sum / static_cast<double>(end - begin - 1);
}

TEST(NextTokenLoss, IsTheMeanOverAPromptsTargets) {
    for (auto dtype : storage_types()) {
        at::Tensor const hidden = random_tensor({10, d}, dtype, 1), head = random_tensor({vocab, d}, dtype, 2);
        NextTokenLoss const loss = next_token_loss(hidden, LinearWeight(head), token_ids(), offsets, Gradient::none);
        ASSERT_EQ(loss.losses.size(), 3U);
        EXPECT_FALSE(loss.d_hidden.defined());
        for (std::size_t p = 0; p < 3; ++p) {
            double const expected = expected_loss(hidden, head, offsets[p], offsets[p + 1]);
            EXPECT_NEAR(loss.losses[p], expected, expected * rounding_of(dtype));
        }
    }
}

TEST(NextTokenLoss, GradientEqualsFiniteDifferences) {
    at::Tensor const hidden = random_tensor({10, d}, at::kDouble, 1), head = random_tensor({vocab, d}, at::kDouble, 2);
    NextTokenLoss const loss = next_token_loss(hidden, LinearWeight(head), token_ids(), offsets, Gradient::hidden);
    auto const f = [&](at::Tensor const& h) {
        double sum = 0;
        for (double value : next_token_loss(h, LinearWeight(head), token_ids(), offsets, Gradient::none).losses)
            sum += value;
        return at::scalar_tensor(sum, at::kDouble);
    };
    EXPECT_LE(relative_error(loss.d_hidden, finite_difference(f, hidden, at::scalar_tensor(1.0, at::kDouble))), 1e-7);
    for (std::int64_t last : {1, 6, 9})
        EXPECT_TRUE(at::equal(loss.d_hidden[last], at::zeros({d}, at::kDouble))) << "a last token predicts nothing";
}

TEST(NextTokenLoss, HugeLogitsDoNotOverflow) {
    at::Tensor const hidden = random_tensor({10, d}, at::kFloat, 1) * 1e4,
                     head = random_tensor({vocab, d}, at::kFloat, 2) * 1e2;
    NextTokenLoss const loss = next_token_loss(hidden, LinearWeight(head), token_ids(), offsets, Gradient::hidden);
    for (double value : loss.losses)
        EXPECT_TRUE(std::isfinite(value));
    EXPECT_TRUE(loss.d_hidden.isfinite().all().item<bool>());
}

TEST(NextTokenLoss, APromptsBitsAreItsOwn) {
    for (auto dtype : storage_types()) {
        at::Tensor const hidden = random_tensor({10, d}, dtype, 1), head = random_tensor({vocab, d}, dtype, 2);
        at::set_num_threads(1);
        NextTokenLoss const together =
            next_token_loss(hidden, LinearWeight(head), token_ids(), offsets, Gradient::hidden);
        for (int threads : {1, 2}) {
            at::set_num_threads(threads);
            for (std::size_t p = 0; p < 3; ++p) {
                std::int64_t const begin = offsets[p], end = offsets[p + 1];
                std::vector<std::int64_t> const alone = {0, end - begin};
                NextTokenLoss const loss = next_token_loss(hidden.slice(0, begin, end), LinearWeight(head),
                                                           token_ids().slice(0, begin, end), alone, Gradient::hidden);
                EXPECT_EQ(loss.losses[0], together.losses[p]);
                EXPECT_TRUE(at::equal(loss.d_hidden, together.d_hidden.slice(0, begin, end)));
            }
        }
    }
    at::set_num_threads(1);
}

TEST(NextTokenLoss, TakesNoPrompts) {
    std::vector<std::int64_t> const none = {0};
    NextTokenLoss const loss = next_token_loss(at::empty({0, d}), LinearWeight(at::ones({vocab, d})),
                                               at::empty({0}, at::kLong), none, Gradient::hidden);
    EXPECT_TRUE(loss.losses.empty());
    EXPECT_EQ(loss.d_hidden.size(0), 0);
}

}  // namespace
}  // namespace gatesweep
