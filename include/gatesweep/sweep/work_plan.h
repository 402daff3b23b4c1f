// Who computes what. Plans follow from the job and the prompts' lengths; ranks only decide who.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/sweep/generator.h"

namespace gatesweep {

// Sequences of one cohort: what is decoded, committed and lost together.
inline constexpr std::int64_t cohort_sequences = 256;

// Every (prompt, variant) pair once: prompts by falling length, the variants of a prompt together, cut into cohorts.
std::vector<std::vector<Request>> plan_cohorts(std::span<std::int64_t const> prompts, std::span<std::int64_t const> prompt_tokens,
                                               std::int32_t first_variant, std::int32_t num_variants);

// Teacher-forced work: a text and some of the variants, as the branches of one stem. The first is always variant 0.
struct TextUnit {
    std::int64_t text = 0;
    std::vector<std::int32_t> variants;
};

// Units of at most `batch_tokens` rows (a unit has two variants at least), dealt to ranks and packed into passes: [pass][unit]
// of this rank.
std::vector<std::vector<TextUnit>> plan_text_passes(std::span<std::int64_t const> text_tokens, std::int32_t num_variants,
                                                    std::int64_t batch_tokens, int rank, int num_ranks);

}  // namespace gatesweep
