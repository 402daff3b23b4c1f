#include "routing_beside.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "app/text_columns.h"

namespace gatesweep {
namespace {

constexpr std::size_t max_shown = 3;

class ChoiceRecorder final : public RoutingObserver {
public:
    explicit ChoiceRecorder(std::size_t num_texts) : texts(num_texts) {}

    void on_routing(std::int64_t, PackedBatch const& batch, Routing const& routing) override {
        auto const* const id = routing.expert_ids.const_data_ptr<std::int64_t>();
        std::int64_t const k = routing.top_k();
        for (std::size_t text = 0; text < texts.size(); ++text) {
            auto& layer = texts[text].emplace_back();
            for (std::int64_t t = batch.offsets[text]; t < batch.offsets[text + 1]; ++t)
                layer.emplace_back(id + t * k, id + (t + 1) * k);
        }
    }
    void on_router_gradient(std::int64_t, PackedBatch const&, Routing const&, at::Tensor const&,
                            at::Tensor const&) override {}

    std::vector<TextRouting> texts;
};

using Tokens = std::span<std::vector<std::int64_t> const>;

// "5:21 1:14 3:9": expert and tokens, the most first.
std::string most_chosen(Tokens tokens) {
    std::map<std::int64_t, std::int64_t> counts;
    for (auto const& token : tokens) {
        for (std::int64_t const expert : token)
            ++counts[expert];
    }
    std::vector<std::pair<std::int64_t, std::int64_t>> order(counts.begin(), counts.end());
    std::ranges::stable_sort(order, [](auto const& a, auto const& b) { return a.second > b.second; });
    std::string out;
    for (std::size_t i = 0; i < std::min(order.size(), max_shown); ++i)
        out += fmt::format("{}{}:{}", i == 0 ? "" : " ", order[i].first, order[i].second);
    return out.empty() ? "-" : out;
}

std::string share_moved(Tokens before, Tokens after) {
    std::int64_t moved = 0, all = 0;
    for (std::size_t t = 0; t < before.size(); ++t) {
        for (std::int64_t const expert : before[t])
            moved += std::ranges::find(after[t], expert) == after[t].end();
        all += std::ssize(before[t]);
    }
    return fmt::format("{:.0f}%", all == 0 ? 0.0 : 100.0 * static_cast<double>(moved) / static_cast<double>(all));
}

}  // namespace

std::vector<TextRouting> routing_of(Decoder const& model, RouterEdits const& edits,
                                    std::vector<std::int32_t> const& prompt,
                                    std::vector<Completion> const& completions) {
    std::vector<std::vector<std::int32_t>> texts;
    std::vector<Stem> stems;
    std::vector<Branch> branches;
    for (Completion const& completion : completions) {
        auto& text = texts.emplace_back(prompt);
        text.insert(text.end(), completion.token_ids.begin(), completion.token_ids.end());
    }
    for (std::size_t i = 0; i < texts.size(); ++i) {
        stems.push_back({texts[i], std::ssize(prompt)});
        branches.push_back({static_cast<std::int64_t>(i), completions[i].variant});
    }
    ChoiceRecorder recorder(texts.size());
    model.forward_branches(stems, branches, edits, nullptr, {}, &recorder);
    return recorder.texts;
}

std::string routing_table(std::vector<TextRouting> const& texts, std::size_t num_prompt_tokens,
                          std::vector<std::int64_t> const& layers) {
    bool const has_two = texts.size() == 2;
    std::vector<std::vector<std::string>> rows = {
        has_two ? std::vector<std::string>{"layer", "prompt", "edited", "moved", "reply", "edited"}
                : std::vector<std::string>{"layer", "prompt", "reply"}};
    for (std::size_t row = 0; row < layers.size(); ++row) {
        auto const prompt = [&](std::size_t text) { return Tokens(texts[text][row]).first(num_prompt_tokens); };
        auto const reply = [&](std::size_t text) { return Tokens(texts[text][row]).subspan(num_prompt_tokens); };
        std::vector<std::string> cells = {fmt::format("{}", layers[row]), most_chosen(prompt(0))};
        if (has_two) {
            cells.push_back(most_chosen(prompt(1)));
            cells.push_back(share_moved(prompt(0), prompt(1)));
        }
        for (std::size_t text = 0; text < texts.size(); ++text)
            cells.push_back(most_chosen(reply(text)));
        rows.push_back(std::move(cells));
    }
    return aligned(rows);
}

}  // namespace gatesweep
