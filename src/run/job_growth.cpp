#include "gatesweep/run/job_growth.h"

#include <algorithm>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/input/job_writer.h"
#include "gatesweep/run/run_identity.h"

namespace gatesweep {
namespace {

template <class List>
bool holds_all(List const& list, List const& of) {
    return std::ranges::all_of(of, [&](auto const& one) { return std::ranges::find(list, one) != list.end(); });
}

// `now` as it was, where it has at least what was there.
template <class List>
void shrink(List& now, List const& before) {
    if (holds_all(now, before)) now = before;
}

// An answer of yes adds to one of no.
void shrink_flag(bool& now, bool before) {
    if (!before) now = before;
}

std::vector<double> thresholds_of(std::string const& signal, SweepSpec const& sweep,
                                  AnalysisParameters const& analysis) {
    auto const given = sweep.gap_thresholds.find(signal);
    if (given != sweep.gap_thresholds.end()) return given->second;
    SignalFacts const* const facts = find_signal(signal);  // null for a provider without limits
    return facts ? std::vector{analysis.limits(facts->kind).gap} : std::vector<double>();
}

void shrink_thresholds(Job const& before, Job& now) {
    bool const grown = std::ranges::all_of(before.sweep.signals, [&](std::string const& signal) {
        return holds_all(thresholds_of(signal, now.sweep, now.analysis),
                         thresholds_of(signal, before.sweep, before.analysis));
    });
    if (grown) now.sweep.gap_thresholds = before.sweep.gap_thresholds;
}

using Sizes = std::optional<std::vector<std::int64_t>>;

void shrink_sizes(Sizes& now, Sizes const& before, std::optional<std::set<std::int64_t>> const& tried) {
    bool const grown = now && (before  ? holds_all(*now, *before)
                               : tried ? holds_all(*now, std::vector(tried->begin(), tried->end()))
                                       : false);
    if (grown) now = before;
}

void shrink_controls(ControlsSpec& now, ControlsSpec const& before) {
    now.random = std::min(now.random, before.random);
    if (before.random == 0) now.match = before.match;
    shrink_flag(now.reverse, before.reverse);
    shrink_flag(now.bottom, before.bottom);
}

void shrink_screen(ScreenSpec& now, ScreenSpec const& before) {
    if (!before.enabled) {
        now = before;
    } else if (now.enabled) {
        now.limit = std::min(now.limit, before.limit);
    }
}

}  // namespace

std::vector<std::string> differences_beyond_growth(Job const& before, Job const& now,
                                                   std::optional<std::set<std::int64_t>> const& sizes_tried) {
    Job shrunk = now;
    shrunk.report = before.report;
    shrunk.scores.bootstrap = before.scores.bootstrap;
    shrink(shrunk.pairs, before.pairs);
    shrink(shrunk.scores.providers, before.scores.providers);
    shrink(shrunk.scores.imports, before.scores.imports);
    if (!before.audit.is_wanted())
        shrunk.audit = before.audit;
    else
        shrink(shrunk.audit.conditions, before.audit.conditions);
    shrink(shrunk.signals.phases, before.signals.phases);
    SweepSpec& sweep = shrunk.sweep;
    SweepSpec const& old = before.sweep;
    if (!old.enabled) {
        sweep = old;
    } else if (sweep.enabled) {
        shrink_thresholds(before, shrunk);  // by the signals of both
        shrink_sizes(sweep.sizes, old.sizes, sizes_tried);
        shrink(sweep.shares, old.shares);
        shrink(sweep.signals, old.signals);
        shrink(sweep.classes, old.classes);
        shrink(sweep.modes, old.modes);
        shrink(sweep.scopes, old.scopes);
        shrink(sweep.bias, old.bias);
        shrink(sweep.activate, old.activate);
        shrink(sweep.deactivate, old.deactivate);
        if (!old.has_steered_sets()) sweep.reverse = old.reverse;
        shrink(sweep.prompts, old.prompts);
        shrink(sweep.side_effects, old.side_effects);
        shrink(sweep.trials, old.trials);
        shrink_controls(sweep.controls, old.controls);
        shrink_flag(sweep.allow_fewer, old.allow_fewer);
        shrink_screen(sweep.screen, old.screen);
        sweep.slots = old.slots;
    }
    return job_differences(to_toml(before), to_toml(shrunk));
}

}  // namespace gatesweep
