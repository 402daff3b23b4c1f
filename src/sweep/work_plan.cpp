#include "gatesweep/sweep/work_plan.h"

#include <algorithm>

namespace gatesweep {
namespace {

constexpr std::int64_t max_piece = 256;  // requests: about what is decoded at once

}  // namespace

std::vector<Request> plan_requests(std::span<std::int64_t const> prompts, std::span<std::int64_t const> prompt_tokens,
                                   std::int32_t first_variant, std::int32_t num_variants) {
    std::vector<std::int64_t> order(prompts.begin(), prompts.end());
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return prompt_tokens[a] > prompt_tokens[b]; });
    std::vector<Request> requests;
    for (std::int64_t prompt : order) {
        for (std::int32_t v = first_variant; v < first_variant + num_variants; ++v)
            requests.push_back({prompt, v});
    }
    return requests;
}

std::vector<Request> requests_of_rank(std::span<Request const> requests, int rank, int num_ranks) {
    auto const in_all = static_cast<std::int64_t>(requests.size());
    std::int64_t const piece = std::clamp<std::int64_t>(in_all / (std::int64_t{4} * num_ranks), 1, max_piece);
    std::vector<Request> mine;
    for (std::int64_t first = rank * piece; first < in_all; first += num_ranks * piece) {
        auto const part = requests.subspan(static_cast<std::size_t>(first),
                                           static_cast<std::size_t>(std::min(piece, in_all - first)));
        mine.insert(mine.end(), part.begin(), part.end());
    }
    return mine;
}

std::vector<std::vector<TextUnit>> plan_text_passes(std::span<TextWork const> texts, std::int64_t batch_tokens,
                                                    int rank, int num_ranks) {
    std::vector<std::vector<TextUnit>> passes;
    std::int64_t filled = 0;
    int unit_index = 0;
    for (std::size_t text = 0; text < texts.size(); ++text) {
        std::int64_t const tokens = std::max<std::int64_t>(1, texts[text].tokens);
        auto const& variants = texts[text].variants;
        auto const per_unit = static_cast<std::size_t>(std::clamp<std::int64_t>(batch_tokens / tokens - 1, 1, 1 << 20));
        for (std::size_t first = 0; first < variants.size(); first += per_unit) {
            if (unit_index++ % num_ranks != rank) continue;
            TextUnit unit{static_cast<std::int64_t>(text), {0}};
            for (std::size_t v = first; v < std::min(variants.size(), first + per_unit); ++v)
                unit.variants.push_back(variants[v]);
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
