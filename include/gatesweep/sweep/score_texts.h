// What variants make of texts that are forced on the model. Collective.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gatesweep/ops/output_head.h"
#include "gatesweep/sweep/sweep_context.h"

namespace gatesweep {

constexpr char const* text_record = "text";  // the kind of a ledger's records

// A prompt and what was generated for it without edits.
struct ForcedText {
    std::int64_t prompt = 0;
    std::vector<std::int32_t> ids;
    std::int64_t num_prompt_tokens = 0;
};
// One for each completion of a prompt whose group is among `watched`; `baseline` are completions without edits.
std::vector<ForcedText> forced_texts(std::vector<Completion> const& baseline,
                                     std::vector<std::vector<std::int32_t>> const& prompts,
                                     std::vector<std::string> const& groups, std::vector<std::string> const& watched);

struct ForcedScore {
    std::int64_t prompt = 0;
    std::int32_t variant = 0;
    TextScore score;
};

// Every variant but 0 on every text, against variant 0; variant 0's own scores are among the result.
// Final rank: by variant, then prompt.
std::vector<ForcedScore> score_texts(SweepContext const& context, std::vector<ForcedText> const& texts,
                                     std::int32_t num_variants);

}  // namespace gatesweep
