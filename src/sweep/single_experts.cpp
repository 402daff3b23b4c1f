#include "gatesweep/sweep/single_experts.h"

#include <algorithm>
#include <map>

#include "gatesweep/store/table_catalogue.h"

namespace gatesweep {
namespace {

using OpenerCounts = std::map<std::vector<std::int32_t>, int>;

std::vector<std::vector<std::int32_t>> most_frequent(OpenerCounts const& counts) {
    std::vector<std::pair<std::vector<std::int32_t>, int>> order(counts.begin(), counts.end());
    std::stable_sort(order.begin(), order.end(), [](auto const& a, auto const& b) { return a.second > b.second; });
    std::vector<std::vector<std::int32_t>> openers;
    for (auto const& [ids, count] : order) {
        if (std::ssize(openers) < most_openers) openers.push_back(ids);
    }
    return openers;
}

}  // namespace

Openers frequent_openers(std::span<Completion const> completions, std::span<Label const> labels) {
    OpenerCounts refusals, compliances;
    for (std::size_t i = 0; i < completions.size(); ++i) {
        auto const& ids = completions[i].token_ids;
        if (std::ssize(ids) < opener_tokens) continue;
        std::vector<std::int32_t> const opener(ids.begin(), ids.begin() + opener_tokens);
        if (labels[i] == Label::full_refusal) ++refusals[opener];
        if (labels[i] == Label::full_compliance) ++compliances[opener];
    }
    for (auto const& [opener, count] : OpenerCounts(refusals)) {
        if (compliances.erase(opener) > 0) refusals.erase(opener);
    }
    return {most_frequent(refusals), most_frequent(compliances)};
}

RouterEdits single_expert_edits(std::int64_t num_layers, std::int64_t num_experts, EditMode mode,
                                MoeLayers const& moe_layers) {
    RouterEdits edits(num_layers, num_experts);
    for (std::int64_t l = 0; l < num_layers; ++l) {
        if (!moe_layers.has(l, num_layers)) continue;
        for (std::int64_t e = 0; e < num_experts; ++e) {
            RouterEdit const edit{l, e, facts_of(mode).value == EditValue::sign ? -1.0 : 1.0};
            edits.add(mode, EditScope::both, std::span(&edit, 1));
        }
    }
    return edits;
}

Screen screen_of(std::span<RefusalMargin const> margins, std::span<std::int64_t const> rows,
                 std::vector<std::string> const& groups, std::int64_t num_rows, std::int64_t num_experts,
                 MoeLayers const& moe_layers) {
    std::map<std::int64_t, std::int64_t> row_of;
    for (std::size_t i = 0; i < rows.size(); ++i)
        row_of[rows[i]] = static_cast<std::int64_t>(i);
    Screen screen{new_table("screen"),
                  NdArray<double>({static_cast<std::int64_t>(rows.size()), num_rows, num_experts})};
    std::vector<double> unedited(rows.size());
    std::map<std::string, std::vector<double>> sums;  // [group][variant], in prompt order
    std::map<std::string, double> num_prompts;
    for (RefusalMargin const& m : margins) {
        std::string const& group = groups[static_cast<std::size_t>(m.prompt)];
        auto& of_group = sums[group];
        of_group.resize(static_cast<std::size_t>(1 + num_rows * num_experts));
        of_group[static_cast<std::size_t>(m.variant)] += m.margin;
        std::int64_t const row = row_of.at(m.prompt);
        if (m.variant == 0) {
            unedited[static_cast<std::size_t>(row)] = m.margin;
            num_prompts[group] += 1;
        } else {
            screen.margin_change.at(row, (m.variant - 1) / num_experts, (m.variant - 1) % num_experts) =
                m.margin - unedited[static_cast<std::size_t>(row)];
        }
    }
    for (auto const& [group, of_group] : sums) {
        double const n = num_prompts[group];
        for (std::int64_t v = 1; v <= num_rows * num_experts; ++v) {
            double const margin = of_group[static_cast<std::size_t>(v)] / n;
            screen.table.add(moe_layers.layer((v - 1) / num_experts), (v - 1) % num_experts, group, margin,
                             margin - of_group[0] / n);
        }
    }
    return screen;
}

}  // namespace gatesweep
