// Generation against itself: sequences with and without edits, all in one batch and one after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "check.h"
#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/model/decoder.h"
#include "gatesweep/sweep/generator.h"

namespace gatesweep {

inline constexpr std::int64_t verify_new_tokens = 8;

// Collective; the final rank's counts. The model must have room for verify_new_tokens behind the longest prompt.
Check generation_check(Decoder const& model, ParallelLayout const& layout,
                       std::vector<std::vector<std::int32_t>> const& prompts, std::int64_t batch_tokens);

// The same sequences in the same order, or as many differ as the verdict counts; `exact`: none may.
Check compare_generated(std::vector<Completion> const& mixed, std::vector<Completion> const& alone,
                        std::int32_t num_variants, bool exact);

}  // namespace gatesweep
