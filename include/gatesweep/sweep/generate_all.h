// Completions of every variant on every prompt. Collective.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gatesweep/sweep/sweep_context.h"

namespace gatesweep {

struct GenerationResult {
    std::vector<Completion> completions;  // final rank: all, by variant, then prompt
    GenerationStats stats;                // of this rank
};

constexpr char const* completion_record = "completion";  // the kind of a ledger's records

// How many (variant, prompt) pairs of generate_all are recorded: `holds` is asked for the key of each.
std::int64_t count_recorded(RouterEdits const& edits, std::vector<std::vector<std::int32_t>> const& prompts,
                            std::vector<std::int64_t> const& rows, GeneratorOptions const& options,
                            std::function<bool(std::string const& key)> const& holds);

// Variants [first, first + count) of the edit table on each of `rows` (indices of prompts).
GenerationResult generate_all(SweepContext const& context, std::vector<std::int64_t> const& rows,
                              std::int32_t first_variant, std::int32_t num_variants, GeneratorOptions const& options);

}  // namespace gatesweep
