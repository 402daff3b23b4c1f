#include "sample.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>

namespace gatesweep {

std::vector<std::int64_t> sample_prompts(std::vector<std::string> const& groups,
                                         std::vector<std::int64_t> const& prompt_tokens, std::int64_t per_end) {
    std::map<std::string, std::vector<std::int64_t>> rows_of;
    for (std::size_t row = 0; row < groups.size(); ++row)
        rows_of[groups[row]].push_back(static_cast<std::int64_t>(row));
    std::set<std::int64_t> chosen;
    for (auto& [group, rows] : rows_of) {
        std::stable_sort(rows.begin(), rows.end(), [&](auto a, auto b) { return prompt_tokens[a] < prompt_tokens[b]; });
        auto const count = std::min(per_end, static_cast<std::int64_t>(rows.size()));
        chosen.insert(rows.begin(), rows.begin() + count);
        chosen.insert(rows.end() - count, rows.end());
    }
    return {chosen.begin(), chosen.end()};
}

std::int64_t short_prompt(std::vector<std::int64_t> const& prompt_tokens, std::int64_t enough) {
    std::int64_t best = 0;
    for (std::size_t i = 1; i < prompt_tokens.size(); ++i) {
        std::int64_t const tokens = prompt_tokens[i], held = prompt_tokens[best];
        if (held >= enough ? tokens >= enough && tokens < held : tokens > held) best = static_cast<std::int64_t>(i);
    }
    return best;
}

BatchPlan shuffled_plan(std::vector<std::int64_t> const& prompt_tokens, std::int64_t batch_tokens, std::uint64_t seed) {
    std::vector<std::int64_t> order(prompt_tokens.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::mt19937_64 random(seed);
    for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[random() % i]);
    BatchPlan plan;
    std::int64_t filled = 0;
    for (std::int64_t prompt : order) {
        if (plan.batches.empty() || filled + prompt_tokens[prompt] > batch_tokens) {
            plan.batches.emplace_back();
            filled = 0;
        }
        plan.batches.back().push_back(prompt);
        filled += prompt_tokens[prompt];
        plan.max_batch_tokens = std::max(plan.max_batch_tokens, filled);
    }
    return plan;
}

}  // namespace gatesweep
