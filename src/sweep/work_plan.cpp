#include "gatesweep/sweep/work_plan.h"

#include <algorithm>

namespace gatesweep {

std::vector<std::vector<Request>> plan_cohorts(std::span<std::int64_t const> prompts, std::span<std::int64_t const> prompt_tokens,
                                               std::int32_t first_variant, std::int32_t num_variants) {
    std::vector<std::int64_t> order(prompts.begin(), prompts.end());
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return prompt_tokens[a] > prompt_tokens[b]; });
    std::vector<std::vector<Request>> cohorts;
    for (std::int64_t prompt : order) {
        for (std::int32_t v = first_variant; v < first_variant + num_variants; ++v) {
            if (cohorts.empty() || static_cast<std::int64_t>(cohorts.back().size()) >= cohort_sequences) cohorts.emplace_back();
            cohorts.back().push_back({prompt, v});
        }
    }
    return cohorts;
}

std::vector<std::vector<TextUnit>> plan_text_passes(std::span<std::int64_t const> text_tokens, std::int32_t num_variants,
                                                    std::int64_t batch_tokens, int rank, int num_ranks) {
    std::vector<std::vector<TextUnit>> passes;
    std::int64_t filled = 0;
    int unit_index = 0;
    for (std::size_t text = 0; text < text_tokens.size(); ++text) {
        std::int64_t const tokens = std::max<std::int64_t>(1, text_tokens[text]);
        auto const per_unit = static_cast<std::int32_t>(std::clamp<std::int64_t>(batch_tokens / tokens - 1, 1, 1 << 20));
        for (std::int32_t first = 1; first < num_variants; first += per_unit) {
            if (unit_index++ % num_ranks != rank) continue;
            TextUnit unit{static_cast<std::int64_t>(text), {0}};
            for (std::int32_t v = first; v < std::min(num_variants, first + per_unit); ++v) unit.variants.push_back(v);
            std::int64_t const rows = tokens * static_cast<std::int64_t>(unit.variants.size());
            if (passes.empty() || filled + rows > batch_tokens) {
                passes.emplace_back();
                filled = 0;
            }
            filled += rows;
            passes.back().push_back(std::move(unit));
        }
    }
    return passes;
}

}  // namespace gatesweep
