#include "app/commands.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "app/text_columns.h"
#include "compare_signals.h"
#include "compare_sweeps.h"
#include "gatesweep/analysis/stored_signals.h"
#include "gatesweep/base/file.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/run/stored_run.h"
#include "gatesweep/store/run_directory.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;
using Rows = std::vector<std::vector<std::string>>;

constexpr std::size_t max_trials = 20;
constexpr std::size_t max_names = 3;

// Rows of a table, and whether every one said that the runs are equal.
struct Findings {
    Rows rows;
    bool is_equal = true;

    void add(std::string what, std::string figure, bool equal) {
        rows.push_back({std::move(what), std::move(figure)});
        is_equal = is_equal && equal;
    }
};

std::string of(std::int64_t part, std::int64_t whole) {
    return fmt::format("{} of {}", part, whole);
}

std::string some(std::vector<std::string> const& names) {
    if (names.empty()) return "none";
    std::vector<std::string> shown;
    for (std::size_t i = 0; i < std::min(names.size(), max_names); ++i)
        shown.push_back(printable(names[i]));
    return fmt::format("{}: {}{}", names.size(), fmt::join(shown, ", "), names.size() > max_names ? ", ..." : "");
}

void add_prompts(Findings& out, AnalysisInput const& first, AnalysisInput const& second, PromptMatch const& match) {
    out.add("prompts",
            fmt::format("{} and {}, {} in both", first.groups.size(), second.groups.size(), match.rows.size()), true);
    out.add("  only in the first", some(match.only_first), match.only_first.empty());
    out.add("  only in the second", some(match.only_second), match.only_second.empty());
    out.add("  of other length, left out", std::to_string(match.num_other_tokens), match.num_other_tokens == 0);
}

// What a hand changed since a run wrote it speaks for the hand, not for the run.
void add_changed_files(Findings& out, fs::path const& folder, std::string_view which) {
    if (!is_complete(folder)) return;
    auto const changed = files_changed_since(folder, read_manifest(folder));
    if (!changed.empty()) out.add(fmt::format("not as the {} run wrote it", which), some(changed), false);
}

void add_signals(Findings& out, SignalAgreement const& s) {
    out.add("activation counts equal", of(s.equal_cells, s.num_cells), s.equal_cells == s.num_cells);
    out.add("  routed slots moved", fmt::format("{:.3g} %", 100.0 * s.difference.moved), s.difference.moved == 0);
    out.add("losses, largest difference", fmt::format("{:.3g} of the loss", s.difference.losses),
            s.difference.losses == 0);
    out.add("gradient scores equal", of(s.equal_scores, s.num_scores), s.equal_scores == s.num_scores);
    out.add("  largest difference", fmt::format("{:.3g} of the largest score", s.difference.scores),
            s.difference.scores == 0);
    for (auto const& group : s.rank_correlations) {
        out.add(fmt::format("rank correlation of means, {}", printable(group.name)),
                fmt::format("activation {:.4f}, gradient {:.4f}", group.activation, group.gradient), true);
    }
}

void add_classes(Findings& out, Options const& options, SignalFacts const& signal) {
    fs::path const name = fs::path("tables") / fmt::format("classes_{}.csv", signal.word);
    std::string const what = fmt::format("classes changed, {}", signal.title);
    auto const lacks = [&](fs::path const& folder) { return file_kind(folder / name) == FileKind::missing; };
    if (lacks(options.folder) && lacks(options.other_folder)) return;  // runs of an earlier version
    for (auto const& folder : {options.folder, options.other_folder}) {
        if (lacks(folder))
            return out.add(what, fmt::format("not compared: {} is not there", (folder / name).string()), false);
    }
    CsvTable const a = read_csv(options.folder / name), b = read_csv(options.other_folder / name);
    std::int64_t changed = 0;
    for (std::size_t row = 0; row < a.rows.size(); ++row)
        changed += row >= b.rows.size() || a.text(row, "label") != b.text(row, "label");
    out.add(what, of(changed, std::ssize(a.rows)) + " experts", changed == 0 && a.rows.size() == b.rows.size());
}

bool has_sweep(fs::path const& folder) {
    return file_kind(folder / "tables" / "trials.csv") != FileKind::missing;
}

void add_sweeps(Findings& out, SweepAgreement const& s) {
    out.add("trials",
            fmt::format("{} in both, {} only in the first, {} only in the second", s.num_common(), s.only_first,
                        s.only_second),
            s.only_first == 0 && s.only_second == 0);
    out.add("  labels equal", of(s.equal_labels, s.num_answers), s.equal_labels == s.num_answers);
    out.add("  token ids equal", of(s.equal_tokens, s.num_answers), s.equal_tokens == s.num_answers);
    out.is_equal = out.is_equal && s.is_equal();
}

std::string percent(double rate) {
    return std::isnan(rate) ? "-" : fmt::format("{:.1f} %", 100.0 * rate);
}

// Trials of both, those that differ most first.
std::string rates_table(SweepAgreement const& s) {
    std::vector<TrialPair> pairs = s.pairs;
    auto const distance = [](TrialPair const& p) {
        double const d = std::abs(p.first_rate - p.second_rate);
        return std::isnan(d) ? -1.0 : d;
    };
    std::stable_sort(pairs.begin(), pairs.end(),
                     [&](auto const& a, auto const& b) { return distance(a) > distance(b); });
    Rows rows = {{"trial", "group", "refusals, first", "second", "labels equal", "tokens equal", "name"}};
    for (std::size_t i = 0; i < std::min(pairs.size(), max_trials); ++i) {
        TrialPair const& p = pairs[i];
        rows.push_back({p.id, printable(p.group), percent(p.first_rate), percent(p.second_rate),
                        of(p.equal_labels, p.num_answers), of(p.equal_tokens, p.num_answers), printable(p.name)});
    }
    std::string const more = pairs.size() > max_trials
                                 ? fmt::format("({} more, whose rates differ no more)\n", pairs.size() - max_trials)
                                 : "";
    return aligned(rows) + more;
}

}  // namespace

void compare_runs(Options const& options) {
    for (auto const& folder : {options.folder, options.other_folder})
        validate_run_folder(folder);
    AnalysisInput const first = read_signals(options.folder), second = read_signals(options.other_folder);
    Findings out;
    out.rows.push_back({"compared", "figure"});
    add_changed_files(out, options.folder, "first");
    add_changed_files(out, options.other_folder, "second");
    PromptMatch const match = match_prompts(first, second);
    add_prompts(out, first, second, match);
    auto const& a = first.activation_counts.shape;
    auto const& b = second.activation_counts.shape;
    std::string sweeps;
    if (a[1] != b[1] || a[2] != b[2] || first.moe_layers != second.moe_layers) {
        out.add("models",
                fmt::format("{} layers x {} experts and {} x {}: nothing else can be compared", a[1], a[2], b[1], b[2]),
                false);
    } else {
        if (!match.rows.empty()) add_signals(out, compare_signals(first, second, match));
        for (SignalFacts const& signal : signal_kinds)
            add_classes(out, options, signal);
        if (has_sweep(options.folder) && has_sweep(options.other_folder)) {
            SweepAgreement const agreement = compare_sweeps(options.folder, options.other_folder, match);
            add_sweeps(out, agreement);
            sweeps = '\n' + rates_table(agreement);
        } else if (has_sweep(options.folder) || has_sweep(options.other_folder)) {
            out.add("trials", fmt::format("only the {} has a sweep", has_sweep(options.folder) ? "first" : "second"),
                    false);
        }
    }
    fmt::print("{}{}\nverdict: {}\n", aligned(out.rows), sweeps, out.is_equal ? "identical" : "the runs differ");
}

}  // namespace gatesweep
