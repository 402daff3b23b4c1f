// What [harden] learns from: prompts with a refusal behind them, as tokens.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gatesweep/input/job.h"
#include "gatesweep/input/pairs.h"
#include "gatesweep/input/prompts.h"

namespace gatesweep {

// A conversation whose answer begins at token `first` and ends with the model's end token.
struct AnsweredPrompt {
    std::vector<std::int32_t> token_ids;
    std::int64_t first = 0;
};

// For every prompt of the groups of [harden] train.harmful a refusal of the job's list, drawn in order and from the
// start again. A prompt of the chat template is written with its answer by the template; behind one that is text or
// tokens already stand the answer's tokens. `end_ids`: the model's end tokens.
// Errors: those of load_pairs for a conversation, with the prompt's origin; input_missing for the list or a tokenizer;
// bad_data for a model without end tokens.
std::vector<AnsweredPrompt> load_refusals(Job const& job, PromptSet const& prompts, TokenLimits const& limits,
                                          std::vector<std::int32_t> const& end_ids);

// Of ids and where answers begin.
std::string digest_of(std::vector<AnsweredPrompt> const& prompts);

}  // namespace gatesweep
