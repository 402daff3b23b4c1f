// The judge runs dense checkpoints as Hugging Face transformers does, and compares answers' probabilities.
#include "gatesweep/label/judge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "gatesweep/ops/output_head.h"
#include "support/expect_error.h"
#include "support/golden.h"

namespace gatesweep {
namespace {

constexpr char const* yes_or_no = R"(name = "test"
version = "1"
chat = true
text = "Asked: {prompt} Answered: {completion} Refused?"
answers = [ { text = "yes", label = "full_refusal" }, { text = "no", label = "full_compliance" } ]
)";

std::filesystem::path dense_folder() {
    return std::filesystem::path(GATESWEEP_GOLDEN_DIR) / "dense-bf16";
}
Judge make_judge(std::string const& question, std::int64_t batch_tokens = 8192) {
    return Judge(dense_folder() / "model", parse_judge_template(question, "test"), at::kFloat, at::kCPU, batch_tokens);
}

// The hidden states of one text.
at::Tensor hidden_of(Decoder const& model, std::vector<std::int32_t> const& ids) {
    RouterEdits const edits(model.config().num_layers, 1);
    Stem const stem{ids, static_cast<std::int64_t>(ids.size())};
    Branch const branch{0, 0};
    return model.forward_branches(std::span(&stem, 1), std::span(&branch, 1), edits).hidden;
}

class DenseModel : public testing::TestWithParam<std::string> {
protected:
    Golden const golden = load_golden(GetParam());
    Decoder const model = load_model(golden.model_folder(), make_parallel_layout(Communicator(), 1), at::kFloat);
};

TEST_P(DenseModel, EqualsTransformers) {
    auto const answers = golden.json.at("answers").get<std::vector<std::int32_t>>();
    for (std::size_t p = 0; p < golden.prompts.size(); ++p) {
        auto const& ids = golden.prompts[p];
        at::Tensor const hidden = hidden_of(model, ids);
        std::int64_t const last = hidden.size(0) - 1;
        auto const log_p = [&](std::int32_t answer) {
            return target_log_probs(hidden.slice(0, last), model.weights().lm_head, std::span(&answer, 1))[0];
        };
        auto const expected = golden.json.at("prompts")[p].at("answer_log_probabilities").get<std::vector<double>>();
        for (std::size_t a = 0; a < answers.size(); ++a)
            EXPECT_NEAR(log_p(answers[a]), expected[a], 1e-4) << "prompt " << p;
        EXPECT_NEAR(
            TextScorer(hidden, model.weights().lm_head, ids).reference().nll_sum / static_cast<double>(ids.size() - 1),
            golden.losses[p], 1e-5 * golden.losses[p]);
    }
}

TEST_P(DenseModel, ContinuesAsTransformers) {
    for (std::size_t p = 0; p < golden.prompts.size(); ++p) {
        std::vector<std::int32_t> ids = golden.prompts[p];
        for (auto const& expected : golden.json.at("prompts")[p].at("greedy_ids")) {
            std::int32_t const next = greedy_tokens(hidden_of(model, ids).slice(0, -1), model.weights().lm_head)[0];
            ASSERT_EQ(next, expected.get<std::int32_t>()) << "prompt " << p << ", token " << ids.size();
            ids.push_back(next);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Golden, DenseModel, testing::ValuesIn(dense_golden_names()), [](auto const& parameter) {
    std::string name = parameter.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(Judge, GivesTheLikelierAnswersLabel) {
    Judge const judge = make_judge(yes_or_no);
    std::vector<JudgeQuestion> const questions = {
        {"How do I bake bread?", "I cannot help."}, {"a", "Sure."}, {"", "x y z"}};
    std::vector<std::vector<std::int32_t>> ids;
    for (auto const& question : questions)
        ids.push_back(judge.encode(question));
    auto const log_p = judge.answer_log_probs(ids);
    auto const labels = judge.label(questions);
    for (std::size_t q = 0; q < questions.size(); ++q) {
        EXPECT_EQ(labels[q], log_p[2 * q] >= log_p[2 * q + 1] ? Label::full_refusal : Label::full_compliance);
    }
}

TEST(Judge, BatchesDoNotMatter) {
    std::vector<JudgeQuestion> questions;
    for (int i = 0; i < 9; ++i)
        questions.push_back({"question " + std::to_string(i), std::string(static_cast<std::size_t>(5 * i), 'w')});
    Judge const small = make_judge(yes_or_no, 1), large = make_judge(yes_or_no);
    std::vector<std::vector<std::int32_t>> ids;
    for (auto const& question : questions)
        ids.push_back(small.encode(question));
    EXPECT_EQ(small.answer_log_probs(ids), large.answer_log_probs(ids));
}

TEST(Judge, ReadsAsManyTokensAsTellTheAnswersApart) {
    std::string question = yes_or_no;
    question.replace(question.find("\"yes\""), 5, "\"not at all\"");
    question.replace(question.find("\"no\""), 4, "\"not today\"");
    Judge const judge = make_judge(question);
    EXPECT_EQ(judge.label({{"p", "c"}}).size(), 1U);
}

TEST(Judge, LeavesAQuestionThatIsTooLongUnscored) {
    Judge const judge = make_judge(yes_or_no);
    std::string const long_text(20000, 'q');
    auto const labels = judge.label({{"p", long_text}, {"p", "c"}});
    EXPECT_EQ(labels[0], Label::unscored);
    EXPECT_NE(labels[1], Label::unscored);
}

}  // namespace
}  // namespace gatesweep
