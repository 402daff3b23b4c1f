// Whether an arm of the hardening is accepted: what it must reach and must not harm, with intervals, beside the others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gatesweep/analysis/bootstrap.h"
#include "gatesweep/analysis/statistics.h"
#include "gatesweep/harden/trainer.h"
#include "gatesweep/input/harden_spec.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/terms/expert_id.h"

namespace gatesweep {

// Replies that could be judged, and those of them that count.
struct Share {
    std::int64_t count = 0, of = 0;

    double percent() const;     // NaN of none
    Interval interval() const;  // Wilson's, 95 %, in per cent
};

struct ArmOutcome {
    std::string arm;              // "base", or an arm's word
    std::vector<Share> refusals;  // of held-out harmful prompts: without suppression, then with 1, 2, ... experts
    Share benign, near_miss;      // replies that do not refuse
    Estimate perplexity_ratio;    // of benign and near-miss texts, against the base model
    Estimate js, overlap;         // of held-out prompts, before against after; mean over layers
    bool router_identical = true;
};

struct ArmFacts {
    std::string arm;
    std::int64_t rank = 0;
    double alpha = 0.0;
    std::int64_t num_parameters = 0;
    double share_of_experts = 0.0;  // of the parameters of all experts
    std::vector<ExpertId> experts;
    std::int64_t steps = 0, best_step = 0;
};

struct Gate {
    std::string arm, gate;
    double value = 0.0;
    Interval interval;
    std::optional<double> limit;  // nothing: of the base model
    bool passed = true;
};

// The gates of every arm, of the base model first, whose rows have no limit. `top_k` makes the limit of the overlap.
std::vector<Gate> gates_of(std::vector<ArmOutcome> const& outcomes, HardenLimits const& limits, std::int64_t top_k);
// Whether all gates of the arm are passed.
bool is_accepted(std::vector<Gate> const& gates, std::string const& arm);

CsvTable gates_table(std::vector<Gate> const& gates);
// `suppressed`: the experts in the order in which they are added.
CsvTable robustness_table(std::vector<ArmOutcome> const& outcomes, std::vector<ExpertId> const& suppressed);
CsvTable steps_table(std::vector<std::pair<std::string, std::vector<StepRecord>>> const& arms);
CsvTable arms_table(std::vector<ArmFacts> const& arms);

}  // namespace gatesweep
