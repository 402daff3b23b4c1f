#include "gatesweep/report/headline.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "sweep_facts.h"
#include "text.h"

namespace gatesweep {
namespace {

constexpr std::array main_labels = {"malicious-dominant", "benign-dominant", "shared"};
constexpr std::array rare_labels = {"weak-malicious", "weak-benign", "uncertain"};
constexpr std::size_t max_ranks = 10;
constexpr std::size_t max_experts = 10;

std::map<std::string, std::int64_t> label_counts(CsvTable const& counts, std::string_view signal) {
    std::map<std::string, std::int64_t> found;
    for (std::size_t row = 0; row < counts.rows.size(); ++row) {
        if (counts.text(row, "signal") == signal) found[counts.text(row, "label")] = counts.integer(row, "count");
    }
    return found;
}

std::string classes_text(std::map<std::string, std::int64_t> counts, bool in_words) {
    std::vector<std::string> parts;
    for (auto const* label : main_labels) {
        parts.push_back(in_words ? fmt::format("{} {}", counts[label], label) : std::to_string(counts[label]));
    }
    for (auto const* label : rare_labels) {
        if (counts[label] > 0) parts.push_back(fmt::format("{} {}", counts[label], label));
    }
    return fmt::format("{}", fmt::join(parts, in_words ? ", " : " / "));
}

std::string overlap_text(CsvTable const& overlap) {
    std::string text;
    for (std::size_t row = 0; row < overlap.rows.size(); ++row) {
        std::string const& signal = overlap.text(row, "signal");
        if (signal != "activation" && signal != "gradient") continue;
        text += text.empty() ? fmt::format("; top-{} overlap ", overlap.integer(row, "top_n")) : " and ";
        text += std::to_string(overlap.integer(row, "overlap"));
    }
    return text;
}

std::string marked_text(RunView const& run) {
    static std::vector<std::pair<std::string, std::string>> const names = {
        {"activation", "activation gap"}, {"gradient", "raw gradient"}, {"gradient_share", "gradient share"}};
    CsvTable const& table = run.table("marked_experts");
    std::string text;
    for (auto const& [signal, name] : names) {
        std::vector<std::int64_t> ranks;
        for (std::size_t row = 0; row < table.rows.size(); ++row) {
            if (table.text(row, "signal") == signal) ranks.push_back(table.integer(row, "rank_by_abs_gap"));
        }
        if (ranks.empty()) continue;
        std::string const more = ranks.size() > max_ranks ? fmt::format(" ... ({} in all)", ranks.size()) : "";
        if (ranks.size() > max_ranks) ranks.resize(max_ranks);
        text += text.empty() ? fmt::format("marked experts: ranks {}{} of {} by {}", fmt::join(ranks, " "), more,
                                           run.num_cells(), name)
                             : fmt::format(", {}{} by {}", fmt::join(ranks, " "), more, name);
    }
    return text;
}

std::string effect_text(SweepView const& sweep, TrialResult const& best) {
    return fmt::format("refusal {} % -> {} % with {} {} (paired difference {} points [{}, {}], {})",
                       percent_text(sweep.baseline(best.group).rate()), percent_text(best.rate()),
                       experts_text(best.experts, max_experts), edit_verb(best.edit), points_text(best.difference),
                       points_text(best.difference_low), points_text(best.difference_high), p_text("p", best.p_exact));
}

std::string control_text(SweepView const& sweep, TrialResult const& best) {
    ControlBand const* const band = sweep.control_of(best);
    if (!band) return "no random sets of its size to compare with";
    bool const is_fall = !(best.difference > 0.0);
    return fmt::format("{} random set{} of the same size: {} % ({} {} %)", band->num_random,
                       band->num_random == 1 ? "" : "s", percent_text(band->mean_rate), is_fall ? "lowest" : "highest",
                       percent_text(is_fall ? band->lowest_rate : band->highest_rate));
}

std::string side_effect_text(SweepView const& sweep, TrialResult const& best, std::string const& group) {
    TrialResult const* const beside = sweep.find(best.id, group);
    if (!beside) return {};
    std::string const name = shortened(clean_utf8(group), 40);
    double const before = sweep.baseline(group).rate();
    std::string text =
        std::isnan(beside->rate()) ? fmt::format("{} refusals not measured", name)
        : beside->rate() == before
            ? fmt::format("{} refusals unchanged ({} %)", name, percent_text(before))
            : fmt::format("{} refusals {} % -> {} %", name, percent_text(before), percent_text(beside->rate()));
    if (!std::isnan(beside->perplexity_ratio)) text += fmt::format(", perplexity x{:.2f}", beside->perplexity_ratio);
    return text;
}

std::vector<std::string> result_lines(SweepView const& sweep) {
    TrialResult const* const best = strongest(sweep, sweep.groups.front());
    if (!best) return {"no set of experts was tried: tables/trial_cells.csv says why"};
    std::string second = control_text(sweep, *best);
    for (auto const& group : sweep.side_groups) {
        std::string const text = side_effect_text(sweep, *best, group);
        if (!text.empty()) second.append("; ").append(text);
    }
    return {effect_text(sweep, *best) + ";", second};
}

}  // namespace

Headline headline(RunView const& run) {
    CsvTable const& counts = run.table("class_counts");
    Headline lines;
    lines.analysis =
        fmt::format("activation: {}; gradient: {}{}", classes_text(label_counts(counts, "activation"), true),
                    classes_text(label_counts(counts, "gradient"), false), overlap_text(run.table("overlap")));
    if (run.has("marked_experts")) lines.marked = marked_text(run);
    if (run.sweep) lines.result = result_lines(*run.sweep);
    return lines;
}

Headline headline(std::filesystem::path const& run_folder) {
    return headline(read_run(run_folder));
}

}  // namespace gatesweep
