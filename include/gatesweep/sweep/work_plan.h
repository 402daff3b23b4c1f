// Who computes what. Plans follow from the job and the prompts' lengths; ranks only decide who.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/sweep/generator.h"

namespace gatesweep {

// Every (prompt, variant) pair once: prompts by falling length, the variants of a prompt together.
std::vector<Request> plan_requests(std::span<std::int64_t const> prompts, std::span<std::int64_t const> prompt_tokens,
                                   std::int32_t first_variant, std::int32_t num_variants);

// A rank's share: runs of neighbours that are worth a pass, dealt out in turn, so that every rank gets long and short
// prompts and none much more than another.
std::vector<Request> requests_of_rank(std::span<Request const> requests, int rank, int num_ranks);

// Teacher-forced work: a text and some of the variants, as the branches of one stem. The first is always variant 0.
struct TextUnit {
    std::int64_t text = 0;
    std::vector<std::int32_t> variants;
};

// What is left to do on a text, variant 0 not among it; its length in tokens.
struct TextWork {
    std::int64_t tokens = 0;
    std::vector<std::int32_t> variants;
};

// Units of at most `batch_tokens` rows (a unit has two variants at least), dealt to ranks and packed into passes:
// [pass][unit] of this rank.
std::vector<std::vector<TextUnit>> plan_text_passes(std::span<TextWork const> texts, std::int64_t batch_tokens,
                                                    int rank, int num_ranks);

}  // namespace gatesweep
