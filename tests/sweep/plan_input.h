// Analyses to plan on.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep::test {

struct GapSpec {
    std::int64_t num_layers = 4, num_experts = 8, top_k = 2;
    double step = 0.01;  // gaps are multiples of it: many are equal
    std::uint64_t seed = 1;
};

// Scores of benign and harmful prompts in three signals, gaps of both signs and of up to 20 steps.
inline AnalysisResult gap_result(GapSpec const& spec) {
    AnalysisResult result;
    result.num_layers = spec.num_layers;
    result.num_experts = spec.num_experts;
    result.top_k = spec.top_k;
    std::mt19937_64 random(spec.seed);
    result.signals.resize(signal_kinds.size());
    for (SignalAnalysis& signal : result.signals) {
        for (std::int64_t l = 0; l < spec.num_layers; ++l) {
            for (std::int64_t e = 0; e < spec.num_experts; ++e) {
                double const benign = 0.02 + spec.step * static_cast<double>(random() % 20);
                double const malicious = 0.02 + spec.step * static_cast<double>(random() % 20);
                double const gap = malicious - benign;
                signal.classes.push_back({{l, e}, benign, malicious, gap, std::abs(gap), ExpertClass::uncertain});
            }
        }
    }
    return result;
}

// One layer, activation alone; expert e is benign-dominant by gaps[e] (below 0: malicious-dominant).
inline AnalysisResult one_layer_result(std::vector<double> const& gaps, std::int64_t top_k = 2) {
    AnalysisResult result;
    result.num_layers = 1;
    result.num_experts = static_cast<std::int64_t>(gaps.size());
    result.signals.resize(signal_kinds.size());
    result.top_k = top_k;
    for (std::size_t e = 0; e < gaps.size(); ++e) {
        double const benign = 0.5 + gaps[e] / 2, malicious = 0.5 - gaps[e] / 2;
        result.of(SignalKind::activation)
            .classes.push_back({{0, static_cast<std::int64_t>(e)},
                                benign,
                                malicious,
                                malicious - benign,
                                std::abs(malicious - benign),
                                ExpertClass::uncertain});
    }
    return result;
}

inline SweepSpec activation_sweep(std::vector<std::int64_t> sizes) {
    SweepSpec sweep;
    sweep.enabled = true;
    sweep.signals = {"activation"};
    sweep.classes = {"benign-dominant"};
    sweep.sizes = std::move(sizes);
    sweep.controls.random = 0;
    return sweep;
}

// Everything at once.
inline SweepSpec wide_sweep() {
    SweepSpec sweep;
    sweep.enabled = true;
    sweep.signals = {"activation", "gradient", "gradient-share"};
    sweep.classes = {"benign-dominant", "malicious-dominant", "weak-benign", "shared"};
    sweep.sizes = std::vector<std::int64_t>{1, 2, 3, 5, 8};
    sweep.gap_thresholds = {{"activation", {0.03, 0.05, 0.08}}, {"gradient-share", {0.02, 0.1}}};
    sweep.modes = {EditMode::mask, EditMode::bias, EditMode::steer};
    sweep.scopes = {EditScope::both, EditScope::decode};
    sweep.bias = {-2.0, 0.5};
    sweep.controls = {5, ControlMatch::layers, true, true};
    return sweep;
}

inline AnalysisParameters limits() {
    AnalysisParameters analysis;
    analysis.limits(SignalKind::gradient) = {0.04, 0.06};
    return analysis;
}

inline Trial const& trial_of(TrialPlan const& plan, std::string const& id) {
    return *std::find_if(plan.trials.begin(), plan.trials.end(), [&](auto const& trial) { return trial.id == id; });
}

inline std::vector<Trial> of_kind(TrialPlan const& plan, TrialKind kind) {
    std::vector<Trial> out;
    std::copy_if(plan.trials.begin(), plan.trials.end(), std::back_inserter(out),
                 [&](Trial const& trial) { return trial.kind == kind; });
    return out;
}

inline std::string set_of(Trial const& trial) {
    return to_string(trial.experts());
}

}  // namespace gatesweep::test
