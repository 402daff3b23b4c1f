#include "random_controls.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <tuple>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/sweep/random_sets.h"

namespace gatesweep {
namespace {

// 53 bits, so that every reader of the table sees the same number.
std::uint64_t seed_of(std::uint64_t sweep_seed, std::string const& trial_id, std::int64_t attempt) {
    std::string const hex = sha256_hex(fmt::format("{}|{}|{}", sweep_seed, trial_id, attempt));
    std::uint64_t seed = 0;
    std::from_chars(hex.data(), hex.data() + 16, seed, 16);
    return seed >> 11;
}

// The shape of a trial: what its controls are compared by.
auto shape_of(Trial const& trial) {
    std::vector<double> values;
    for (ExpertEdit const& edit : trial.edits)
        values.push_back(edit.value);
    std::sort(values.begin(), values.end());
    return std::tuple(trial.mode, trial.scope, values);
}

// The first trial of every shape; selected ones lie before custom ones in the plan.
std::vector<Trial> models_of(TrialPlan const& plan) {
    std::vector<Trial> models;
    std::set<decltype(shape_of(Trial()))> shapes;
    for (Trial const& trial : plan.trials) {
        bool const chosen = trial.kind == TrialKind::selected || trial.kind == TrialKind::custom;
        if (chosen && shapes.insert(shape_of(trial)).second) models.push_back(trial);
    }
    return models;
}

// The drawn experts take over the model's doses in order: drawn by layers, those of the same layer.
Trial control_of(Trial const& model, ControlMatch match, std::vector<ExpertId> const& experts, std::uint64_t seed) {
    Trial trial = model;
    trial.kind = TrialKind::random;
    trial.num_cells = 0;
    trial.seed = seed;
    trial.matched_to = model.id;
    if (match == ControlMatch::size) {
        trial.signal.clear();
        trial.expert_class.clear();
        trial.gap_threshold.reset();
    }
    for (std::size_t i = 0; i < experts.size(); ++i)
        trial.edits[i].id = experts[i];
    return trial;
}

std::vector<Trial> controls_of(Trial const& model, SweepSpec const& sweep, RouterShape const& shape, MapView traffic,
                               KnownTrials& known, std::size_t next_index) {
    std::vector<Trial> controls;
    ControlMatch const match = sweep.controls.match;
    auto const own = model.experts();
    // Sets that may not exist are looked for long enough: to draw each of `wanted` equally likely ones takes
    // wanted x ln(wanted) draws, 16 x wanted in a row without a new one happen once in e^16 times.
    std::int64_t const max_failures = 1000 + 16 * sweep.controls.random;
    std::int64_t failures = 0;
    for (std::int64_t attempt = 0; std::ssize(controls) < sweep.controls.random && failures < max_failures; ++attempt) {
        std::uint64_t const seed = seed_of(sweep.seed, model.id, attempt);
        Trial control = control_of(model, match, random_set(own, match, traffic, seed), seed);
        bool const taken = refusal(control.mode, control.edits, shape, sweep.allow_fewer).empty() &&
                           known.add(control, next_index + controls.size()).is_new;
        failures = taken ? 0 : failures + 1;
        if (taken) controls.push_back(std::move(control));
    }
    return controls;
}

}  // namespace

void add_random_controls(SweepSpec const& sweep, AnalysisResult const& result, KnownTrials& known, TrialPlan& plan) {
    if (sweep.controls.random == 0) return;
    ScoreMap const traffic = traffic_map(result);
    RouterShape const shape{result.num_layers, result.num_experts, result.top_k};
    for (Trial const& model : models_of(plan)) {
        auto controls = controls_of(model, sweep, shape, traffic.view(), known, plan.trials.size());
        if (std::ssize(controls) < sweep.controls.random) {
            plan.notices.push_back(fmt::format(
                "{} of {} random controls of trial {} ({}): no more different sets of that shape were found",
                controls.size(), sweep.controls.random, model.id, printable(model.name)));
        }
        for (std::size_t i = 0; i < controls.size(); ++i) {
            controls[i].name = fmt::format("random {} of {} like {}", i + 1, controls.size(), model.id);
            plan.trials.push_back(std::move(controls[i]));
        }
    }
}

}  // namespace gatesweep
