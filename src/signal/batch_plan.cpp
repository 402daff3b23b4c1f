#include "gatesweep/signal/batch_plan.h"

#include <algorithm>
#include <numeric>

namespace gatesweep {

std::int64_t tokens_of(std::span<std::int64_t const> prompts, std::span<std::int64_t const> prompt_tokens) {
    return std::accumulate(prompts.begin(), prompts.end(), std::int64_t{0}, [&](std::int64_t sum, std::int64_t prompt) {
        return sum + prompt_tokens[static_cast<std::size_t>(prompt)];
    });
}

BatchPlan plan_batches(std::span<std::int64_t const> prompt_tokens, std::int64_t batch_tokens,
                       std::vector<bool> const& done) {
    std::vector<std::int64_t> order(prompt_tokens.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    if (!done.empty())
        std::erase_if(order, [&](std::int64_t prompt) { return done[static_cast<std::size_t>(prompt)]; });
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return prompt_tokens[a] > prompt_tokens[b]; });
    BatchPlan plan;
    std::int64_t filled = 0;
    for (std::int64_t prompt : order) {
        std::int64_t const tokens = prompt_tokens[prompt];
        if (plan.batches.empty() || filled + tokens > batch_tokens) {
            plan.batches.emplace_back();
            filled = 0;
        }
        plan.batches.back().push_back(prompt);
        filled += tokens;
        plan.max_batch_tokens = std::max(plan.max_batch_tokens, filled);
    }
    return plan;
}

std::vector<std::int64_t> batches_of_copy(BatchPlan const& plan, int copy, int num_copies) {
    std::vector<std::int64_t> mine;
    for (std::int64_t b = copy; b < static_cast<std::int64_t>(plan.batches.size()); b += num_copies)
        mine.push_back(b);
    return mine;
}

std::vector<std::vector<std::int64_t>> spread_over_ranks(std::span<std::int64_t const> batch,
                                                         std::span<std::int64_t const> prompt_tokens, int num_ranks) {
    std::vector<std::vector<std::int64_t>> lists(static_cast<std::size_t>(num_ranks));
    std::vector<std::int64_t> tokens(lists.size(), 0);
    for (std::int64_t prompt : batch) {  // longest first, to the rank with the fewest tokens
        auto const rank = std::min_element(tokens.begin(), tokens.end()) - tokens.begin();
        lists[rank].push_back(prompt);
        tokens[rank] += prompt_tokens[prompt];
    }
    return lists;
}

}  // namespace gatesweep
