// A judge model, run by this same engine: a verdict is the answer whose first tokens are likeliest behind the filled-in
// template. Nothing is generated, nothing is parsed. Checkpoints that can be measured, and dense ones.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gatesweep/input/chat_template.h"
#include "gatesweep/input/tokenizer.h"
#include "gatesweep/label/judge_template.h"
#include "gatesweep/model/decoder.h"

namespace gatesweep {

struct JudgeQuestion {
    std::string prompt;
    std::string completion;
};

class Judge {
public:
    // Loads the whole judge on this rank. Errors: those of a checkpoint; ExitCode::job when the answers cannot be told
    // apart by their tokens.
    Judge(std::filesystem::path const& folder, JudgeTemplate question, std::optional<at::ScalarType> dtype,
          at::Device device, std::int64_t batch_tokens);

    std::string const& name() const { return question_.name; }
    // Of what its verdicts depend on: weights and template.
    std::string digest() const;
    // `unscored` for a question longer than the judge can read.
    std::vector<Label> label(std::vector<JudgeQuestion> const& questions) const;
    // log P of each answer, row-major [questions, answers].
    std::vector<double> answer_log_probs(std::vector<std::vector<std::int32_t>> const& questions) const;
    std::vector<std::int32_t> encode(JudgeQuestion const& question) const;

private:
    JudgeTemplate question_;
    ModelConfig config_;
    Tokenizer tokenizer_;
    std::optional<ChatTemplate> chat_;
    std::int64_t batch_tokens_;
    std::optional<Decoder> model_;
    std::vector<std::vector<std::int32_t>> answers_;  // the first tokens of each, as many as tell all apart
};

}  // namespace gatesweep
