#include "custom_trials.h"

#include <algorithm>

#include "gatesweep/analysis/expert_list.h"
#include "gatesweep/base/error.h"
#include "steered_sets.h"

namespace gatesweep {
namespace {

std::vector<ListedExpert> listed_experts(CustomTrial const& custom) {
    if (!custom.file.empty()) return read_expert_list(custom.file);
    std::vector<ListedExpert> out;
    for (auto const& pair : custom.experts)
        out.push_back({{pair.at(0), pair.at(1)}, std::nullopt});
    return out;
}

double edit_value(CustomTrial const& custom, ListedExpert const& expert) {
    EditValue const kind = facts_of(custom.mode).value;
    if (kind == EditValue::sign) {
        bool const activates = expert.weight ? *expert.weight > 0.0 : custom.activate;
        return activates ? 1.0 : -1.0;
    }
    if (kind != EditValue::dose) return 1.0;
    GATESWEEP_VALIDATE(expert.weight || custom.bias != 0.0, ExitCode::job,
                       "[[sweep.trial]] \"{}\": {} gives expert {} of layer {} no weight (mode bias adds it to the "
                       "logit): add a weight to the list or bias to the trial",
                       printable(custom.name), custom.file.empty() ? "the job" : custom.file.string(), expert.id.expert,
                       expert.id.layer);
    return expert.weight.value_or(custom.bias);
}

std::optional<double> shared_dose(Trial const& trial) {
    if (facts_of(trial.mode).value != EditValue::dose) return std::nullopt;
    double const first = trial.edits.front().value;
    bool const shared =
        std::all_of(trial.edits.begin(), trial.edits.end(), [&](auto const& edit) { return edit.value == first; });
    return shared ? std::optional(first) : std::nullopt;
}

Trial custom_trial(CustomTrial const& custom, RouterShape const& shape, bool allow_fewer) {
    Trial trial;
    trial.kind = TrialKind::custom;
    trial.name = custom.name;
    trial.mode = custom.mode;
    trial.scope = custom.scope;
    for (ListedExpert const& expert : listed_experts(custom)) {
        bool const exists = shape.moe_layers.has(expert.id.layer, shape.num_layers) && expert.id.expert >= 0 &&
                            expert.id.expert < shape.num_experts;
        GATESWEEP_VALIDATE(exists, ExitCode::job,
                           "[[sweep.trial]] \"{}\": there is no expert {} in layer {} ({}): correct the set",
                           printable(custom.name), expert.id.expert, expert.id.layer,
                           shape.moe_layers.words(shape.num_layers, shape.num_experts));
        trial.edits.push_back({expert.id, edit_value(custom, expert)});
    }
    std::sort(trial.edits.begin(), trial.edits.end());
    auto const twice = std::adjacent_find(trial.edits.begin(), trial.edits.end(),
                                          [](auto const& a, auto const& b) { return a.id == b.id; });
    GATESWEEP_VALIDATE(twice == trial.edits.end(), ExitCode::job,
                       "[[sweep.trial]] \"{}\": expert {} of layer {} is there twice (a set holds an expert once): "
                       "remove one",
                       printable(custom.name), twice->id.expert, twice->id.layer);
    std::string const why = refusal(trial.mode, trial.edits, shape, allow_fewer);
    GATESWEEP_VALIDATE(why.empty(), ExitCode::job,
                       "[[sweep.trial]] \"{}\": {} (the routers cannot take that): take experts out of the set, or use "
                       "mode zero or bias",
                       printable(custom.name), why);
    trial.dose = shared_dose(trial);
    return trial;
}

// One that is chosen by scores, and a control of the same shape.
class SteeredTrials {
public:
    SteeredTrials(SweepSpec const& sweep, RouterShape const& shape, AnalysisResult const& analysis)
        : sweep_(sweep), shape_(shape), analysis_(analysis) {}

    void add(CustomTrial const& custom, std::vector<Trial>& trials, std::vector<std::string>* notices) const {
        SteeredSet const& set = *custom.from;
        ScoreMap const scores = signed_scores(set.provider, analysis_);
        SteeredExperts const experts = steered_experts(scores.view(), set, shape_);
        std::string const why = experts.shortage.empty()
                                    ? refusal(custom.mode, experts.edits, shape_, sweep_.allow_fewer)
                                    : experts.shortage;
        GATESWEEP_VALIDATE(why.empty(), ExitCode::job,
                           "[[sweep.trial]] \"{}\": {} (there is no such set): ask for fewer experts",
                           printable(custom.name), why);
        trials.push_back(trial(custom, TrialKind::custom, custom.name, experts));
        if (notices && !experts.passed_over.empty())
            notices->push_back(passed_over_text(custom.name, experts, shape_.top_k));
        if (!sweep_.controls.bottom) return;
        SteeredExperts const least = steered_experts(scores.view(), set, shape_, SteeredFrom::bottom);
        if (refusal(custom.mode, least.edits, shape_, sweep_.allow_fewer).empty())
            trials.push_back(trial(custom, TrialKind::bottom, "smallest of " + name_of(set), least));
    }

private:
    static Trial trial(CustomTrial const& custom, TrialKind kind, std::string name, SteeredExperts const& experts) {
        Trial out;
        out.kind = kind;
        out.name = std::move(name);
        if (kind == TrialKind::bottom) out.signal = custom.from->provider;
        out.mode = custom.mode;
        out.scope = custom.scope;
        out.edits = experts.edits;
        return out;
    }

    SweepSpec const& sweep_;
    RouterShape const& shape_;
    AnalysisResult const& analysis_;
};

}  // namespace

std::vector<Trial> custom_trials(SweepSpec const& sweep, RouterShape const& shape, AnalysisResult const* analysis,
                                 std::vector<std::string>* notices) {
    std::vector<Trial> trials;
    for (CustomTrial const& custom : sweep.trials) {
        if (!custom.from)
            trials.push_back(custom_trial(custom, shape, sweep.allow_fewer));
        else if (analysis)
            SteeredTrials(sweep, shape, *analysis).add(custom, trials, notices);
    }
    return trials;
}

void validate_custom_trials(SweepSpec const& sweep, std::int64_t num_layers, std::int64_t num_experts,
                            std::int64_t top_k, MoeLayers const& moe_layers) {
    custom_trials(sweep, {num_layers, num_experts, top_k, moe_layers});
}

}  // namespace gatesweep
