// What the audit's refusals and answers are as tokens: what stands behind a prompt, teacher forced.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gatesweep/input/job.h"

namespace gatesweep {

// Drawn in order and from the start again, by the prompts of the malicious group.
struct AuditTexts {
    std::vector<std::vector<std::int32_t>> refusals, compliances;  // where a condition of the job needs them

    std::string digest() const;
};

// Each line becomes tokens by itself, without what begins a sequence, as if the model had generated it. Errors: those
// of Tokenizer::load; input_missing where the checkpoint has no tokenizer; bad_data for a file without lines, for a
// line without tokens, and for one whose tokens are not the model's.
AuditTexts load_audit_texts(Job const& job, std::int64_t vocab_size);

}  // namespace gatesweep
