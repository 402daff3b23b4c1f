#include "gatesweep/label/judge.h"

#include <algorithm>
#include <set>
#include <utility>

#include "gatesweep/base/error.h"
#include "gatesweep/model/checkpoint_layout.h"
#include "gatesweep/ops/output_head.h"

namespace gatesweep {
namespace {

// As many first tokens of each answer as it takes to tell all answers apart.
std::vector<std::vector<std::int32_t>> answer_tokens(JudgeTemplate const& question, Tokenizer const& tokenizer) {
    std::vector<std::vector<std::int32_t>> whole;
    std::size_t longest = 0;
    for (JudgeAnswer const& answer : question.answers) {
        whole.push_back(tokenizer.encode(answer.text));
        longest = std::max(longest, whole.back().size());
    }
    for (std::size_t length = 1; length <= longest; ++length) {
        std::vector<std::vector<std::int32_t>> first = whole;
        for (auto& ids : first)
            ids.resize(std::min(ids.size(), length));
        if (std::set(first.begin(), first.end()).size() == first.size()) return first;
    }
    fail(ExitCode::job,
         "judge template {}: its answers have the same tokens in the judge's vocabulary (no verdict could be told from "
         "another): choose other words",
         question.name);
}

}  // namespace

Judge::Judge(std::filesystem::path const& folder, JudgeTemplate question, std::optional<at::ScalarType> dtype,
             at::Device device, std::int64_t batch_tokens)
    : question_(std::move(question)),
      config_(load_model_config(folder)),
      tokenizer_(Tokenizer::load(folder)),
      batch_tokens_(batch_tokens),
      answers_(answer_tokens(question_, tokenizer_)) {
    if (question_.input == JudgeInput::chat) chat_ = ChatTemplate::load(folder);
    ParallelLayout const alone = make_parallel_layout(Communicator(), 1);
    Checkpoint const checkpoint(folder);
    auto const map = std::make_shared<WeightMap const>(validate_checkpoint(checkpoint, config_));
    auto const type = dtype.value_or(config_.stored_dtype == "bfloat16" ? at::kBFloat16 : at::kFloat);
    Weights weights =
        load_weights({&checkpoint, &config_, map, alone.local_experts(config_.num_experts), type, device});
    std::int64_t const longest = std::min<std::int64_t>(config_.max_position_embeddings, 32768);
    model_.emplace(config_, std::move(weights), alone, longest);
    config_.max_position_embeddings = longest;
}

std::string Judge::digest() const {
    Weights const& weights = model_->weights();
    return fmt::format("{:016x} {}", weights.digests.dense + weights.digests.experts, question_.sha256);
}

std::vector<std::int32_t> Judge::encode(JudgeQuestion const& question) const {
    std::string const text = question_.fill(question.prompt, question.completion);
    if (chat_) return chat_->encode({{"user", text}}, tokenizer_);
    return tokenizer_.encode_plain(text);
}

std::vector<double> Judge::answer_log_probs(std::vector<std::vector<std::int32_t>> const& questions) const {
    // A text for each (question, answer): question, then all but the last token of the answer.
    std::vector<std::vector<std::int32_t>> texts;
    for (auto const& ids : questions) {
        for (auto const& answer : answers_) {
            texts.push_back(ids);
            texts.back().insert(texts.back().end(), answer.begin(), answer.end() - 1);
        }
    }
    RouterEdits const no_edits(config_.num_layers, config_.num_experts);
    std::vector<double> result(texts.size());
    bool const same_text = std::all_of(answers_.begin(), answers_.end(), [](auto const& a) { return a.size() == 1; });
    std::size_t const step = same_text ? answers_.size() : 1;  // one pass serves all answers of one token
    for (std::size_t first = 0; first < texts.size();) {
        std::vector<Stem> stems;
        std::vector<Branch> branches;
        std::int64_t tokens = 0;
        std::size_t end = first;
        for (; end < texts.size(); end += step) {
            auto const length = static_cast<std::int64_t>(texts[end].size());
            if (end > first && tokens + length > batch_tokens_) break;
            tokens += length;
            branches.push_back({static_cast<std::int64_t>(stems.size()), 0});
            stems.push_back({texts[end], length});
        }
        BranchedHidden const hidden = model_->forward_branches(stems, branches, no_edits);
        for (std::size_t s = 0; s < stems.size(); ++s) {
            at::Tensor const rows = hidden.of_lane(s);
            for (std::size_t k = 0; k < step; ++k) {
                std::size_t const text = first + s * step + k;
                auto const& answer = answers_[text % answers_.size()];
                auto const n = static_cast<std::int64_t>(answer.size());
                double sum = 0;
                for (double log_p :
                     target_log_probs(rows.slice(0, rows.size(0) - n, rows.size(0)), model_->weights().lm_head, answer))
                    sum += log_p;
                result[text] = sum;
            }
        }
        first = end;
    }
    return result;
}

std::vector<Label> Judge::label(std::vector<JudgeQuestion> const& questions) const {
    std::vector<Label> labels(questions.size(), Label::unscored);
    std::vector<std::size_t> readable;
    std::vector<std::vector<std::int32_t>> ids;
    for (std::size_t q = 0; q < questions.size(); ++q) {
        auto encoded = encode(questions[q]);
        std::size_t longest = 0;
        for (auto const& answer : answers_)
            longest = std::max(longest, answer.size());
        if (static_cast<std::int64_t>(encoded.size() + longest) > config_.max_position_embeddings) continue;
        readable.push_back(q);
        ids.push_back(std::move(encoded));
    }
    std::vector<double> const log_p = answer_log_probs(ids);
    for (std::size_t i = 0; i < readable.size(); ++i) {
        auto const row = log_p.begin() + static_cast<std::ptrdiff_t>(i * answers_.size());
        auto const best = std::max_element(row, row + static_cast<std::ptrdiff_t>(answers_.size())) - row;
        labels[readable[i]] = question_.answers[static_cast<std::size_t>(best)].label;
    }
    return labels;
}

}  // namespace gatesweep
