// [[pairs]] as tokens: two conversations each, teacher forced, and which of their tokens count.
//
// Three forms (jobs/README.md): rows that hold both conversations, each prompt with two answers, and a question with
// and without its document. What counts is a text of the conversation: its last answer, its last question, or a target.
// The tokens that count are those that stand for any byte of this text in the conversation as the chat template writes
// it, found by the places of the tokens, so that a merge over the text's edge cannot move them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gatesweep/input/job.h"
#include "gatesweep/input/tokenizer.h"

namespace gatesweep {

struct PairSide {
    std::vector<std::int32_t> token_ids;
    std::int64_t first = 0, last = 0;  // the counted tokens are [first, last), at least one

    std::int64_t num_counted() const { return last - first; }
    std::span<std::int32_t const> counted() const {
        return std::span(token_ids).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first));
    }
};

struct Pair {
    std::string id;    // unique within its [[pairs]]: the file's, else 12 digits of the content's SHA-256
    std::string name;  // of the [[pairs]]
    std::array<PairSide, 2> sides;
};

struct PairSet {
    std::vector<Pair> pairs;                // in the order of the job
    std::vector<std::string> file_digests;  // "path sha256"
};

// What ids must keep to.
struct TokenLimits {
    std::int64_t vocab_size = 0;
    std::int64_t max_tokens = 0;
    std::int32_t bos_id = 0;
};

// Every [[pairs]] of the job. Errors: input_missing; bad_data with file and row for conversations that are none, a text
// that is to count and does not stand in its conversation, too many tokens; those of the tokenizer and the template.
PairSet load_pairs(Job const& job, TokenLimits const& limits);

// Of ids, names, tokens and what counts.
std::string digest_of(std::vector<Pair> const& pairs);

}  // namespace gatesweep
