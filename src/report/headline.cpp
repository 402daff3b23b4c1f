#include "gatesweep/report/headline.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "gatesweep/base/words.h"
#include "gatesweep/report/evidence.h"
#include "html_harden.h"
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

// "4, 6 and 5".
std::string in_words(std::vector<std::string> const& parts) {
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i)
        text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
    return text;
}

// "activation: 5 malicious-dominant, ...; gradient: 3 / 2 / 59; top-10 overlap 4 and 6"
std::string analysis_text(RunView const& run) {
    std::string text;
    std::vector<std::string> overlaps;
    CsvTable const& overlap = run.table("overlap");
    for (ClassMap const& classes : run.classes) {
        SignalFacts const& signal = facts_of(classes.signal);
        auto const counts = label_counts(run.table("class_counts"), signal.word);
        if (!counts.empty())
            text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", signal.title, classes_text(counts, text.empty()));
        for (std::size_t row = 0; row < overlap.rows.size(); ++row) {
            if (overlap.text(row, "signal") == signal.word)
                overlaps.push_back(std::to_string(overlap.integer(row, "overlap")));
        }
    }
    if (!overlaps.empty()) text += fmt::format("; top-{} overlap {}", overlap.integer(0, "top_n"), in_words(overlaps));
    return text;
}

std::string marked_text(RunView const& run) {
    CsvTable const& table = run.table("marked_experts");
    std::string text;
    for (SignalFacts const& signal : signal_kinds) {
        std::vector<std::int64_t> ranks;
        for (std::size_t row = 0; row < table.rows.size(); ++row) {
            if (table.text(row, "signal") == signal.word) ranks.push_back(table.integer(row, "rank_by_abs_gap"));
        }
        if (ranks.empty()) continue;
        std::string const more = ranks.size() > max_ranks ? fmt::format(" ... ({} in all)", ranks.size()) : "";
        if (ranks.size() > max_ranks) ranks.resize(max_ranks);
        text += text.empty() ? fmt::format("marked experts: ranks {}{} of {} by {}", fmt::join(ranks, " "), more,
                                           run.num_cells(), signal.gap_name)
                             : fmt::format(", {}{} by {}", fmt::join(ranks, " "), more, signal.gap_name);
    }
    return text;
}

std::string statistics_text(TrialResult const& set) {
    std::string text =
        fmt::format("paired difference {} points [{}, {}], {}", points_text(set.difference),
                    points_text(set.difference_low), points_text(set.difference_high), p_text("p", set.p_exact));
    if (!std::isnan(set.q_value)) text += ", " + p_text("q", set.q_value);
    if (!std::isnan(set.p_empirical)) text += ", " + p_text("empirical p", set.p_empirical);
    return text;
}

// "refusal 100 % -> 0 % with 2:5 3:1 suppressed (paired difference ...)"
std::string effect_text(TrialResult const& set) {
    return fmt::format("refusal {} % -> {} % with {} {} ({})", percent_text(set.rate_before()),
                       percent_text(set.rate_after()), experts_text(set.experts, max_experts), edit_verb(set.edit),
                       statistics_text(set));
}

std::string control_text(SweepView const& sweep, TrialResult const& set) {
    ControlBand const* const band = sweep.control_of(set);
    if (!sweep.has_random_sets()) return "nothing is compared with random sets (controls.random = 0)";
    if (!band) return "no random set like it could be compared";
    bool const is_fall = !(set.difference > 0.0);
    return fmt::format("{} like it: {} % ({} {} %)", plural(band->num_random, "random set"),
                       percent_text(band->mean_rate), is_fall ? "lowest" : "highest",
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

std::string beside_text(SweepView const& sweep, TrialResult const& set) {
    std::string text = control_text(sweep, set);
    for (auto const& group : sweep.side_groups) {
        std::string const side = side_effect_text(sweep, set, group);
        if (!side.empty()) text += "; " + side;
    }
    return text;
}

void add_grid_lines(SweepView const& sweep, TrialResult const& best, std::vector<std::string>& lines) {
    bool const within = evidence_of(sweep, best) == Evidence::within_chance;
    lines.push_back(
        fmt::format("{}{};", within ? "no set changed refusals beyond chance; the largest: " : "", effect_text(best)));
    lines.push_back(beside_text(sweep, best));
}

void add_own_line(SweepView const& sweep, TrialResult const& set, std::vector<std::string>& lines) {
    lines.push_back(fmt::format("your set \"{}\"{}: {}; {}", shortened(clean_utf8(set.name), 40),
                                evidence_of(sweep, set) == Evidence::within_chance ? ", within chance" : "",
                                effect_text(set), beside_text(sweep, set)));
}

std::vector<std::string> result_lines(SweepView const& sweep) {
    std::vector<std::string> lines;
    for (auto const& group : sweep.groups) {
        auto const sets = headline_sets(sweep, group);
        if (sets.empty()) continue;
        if (sweep.groups.size() > 1) lines.push_back(fmt::format("on {}:", shortened(clean_utf8(group), 40)));
        for (TrialResult const* const set : sets) {
            if (set->kind == "custom") {
                add_own_line(sweep, *set, lines);
            } else {
                add_grid_lines(sweep, *set, lines);
            }
        }
    }
    if (lines.empty()) lines.emplace_back("no set of experts was tried: tables/trial_cells.csv says why");
    return lines;
}

std::string labels_text(RunView const& run) {
    LabelledBy const labelled = labelled_by(*run.sweep);
    if (labelled.num_unscored == labelled.num_replies) return "no reply could be labelled";
    std::string text = fmt::format("{} replies by {}", labelled.num_replies - labelled.num_human,
                                   run.job.label_method == "judge" ? "a judge model" : "phrase rules");
    if (labelled.num_human > 0) text += fmt::format(", {} by people", labelled.num_human);
    if (labelled.num_unscored > 0) text += fmt::format(", {} of them unscored", labelled.num_unscored);
    if (labelled.num_mixed > 0) {
        text += fmt::format("; {} pairs with a label of each kind {}", labelled.num_mixed,
                            run.job.allows_mixed ? "count like the others (labels.mixed = \"allow\")"
                                                 : "are left out of every comparison");
    }
    return text;
}

}  // namespace

Headline headline(RunView const& run) {
    Headline lines;
    lines.analysis = analysis_text(run);
    if (run.has("marked_experts")) lines.marked = marked_text(run);
    if (run.sweep) {
        lines.labels = labels_text(run);
        lines.result = result_lines(*run.sweep);
    }
    if (std::string const hardened = harden_headline(run); !hardened.empty()) lines.result.push_back(hardened);
    return lines;
}

Headline headline(std::filesystem::path const& run_folder) {
    return headline(read_run(run_folder));
}

}  // namespace gatesweep
