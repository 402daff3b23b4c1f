// Which prompts are computed together. The plan follows from prompt lengths and the job alone; ranks only decide who.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gatesweep {

struct BatchPlan {
    std::vector<std::vector<std::int64_t>> batches;  // prompt indices; longest batches first
    std::int64_t max_batch_tokens = 0;               // tokens of the largest batch
};

// Of some prompts; `prompt_tokens` of all.
std::int64_t tokens_of(std::span<std::int64_t const> prompts, std::span<std::int64_t const> prompt_tokens);

// Prompts sorted by length (longest first, ties by index), cut where the next one would exceed `batch_tokens`; a prompt
// longer than that is a batch of its own. Prompts marked in `done` (empty: none is) are left out.
BatchPlan plan_batches(std::span<std::int64_t const> prompt_tokens, std::int64_t batch_tokens,
                       std::vector<bool> const& done = {});

// The batches of one of `num_copies` copies: dealt out in plan order, so that every copy gets long and short ones.
std::vector<std::int64_t> batches_of_copy(BatchPlan const& plan, int copy, int num_copies);

// How the prompts of a batch are spread over the ranks of its group: one list per rank, balanced by tokens; a rank's
// list may be empty.
std::vector<std::vector<std::int64_t>> spread_over_ranks(std::span<std::int64_t const> batch,
                                                         std::span<std::int64_t const> prompt_tokens, int num_ranks);

}  // namespace gatesweep
