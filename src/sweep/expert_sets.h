// The experts of a signal in the order in which sets are made of them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/input/job.h"

namespace gatesweep {

// A signal of the job: its experts, and the limits that the job sets for it.
struct SignalGaps {
    std::span<ClassifiedExpert const> experts;  // by layer, then expert
    std::vector<double> gap_thresholds;
    double min = 0.0;
};
SignalGaps signal_gaps(std::string const& signal, SweepSpec const& sweep, AnalysisParameters const& analysis,
                       AnalysisResult const& result);

ExpertClass expert_class(std::string const& name);
std::optional<ExpertClass> opposite(ExpertClass label);  // of shared and uncertain: none

// The experts that the thresholds put into a class, by descending |gap|, equal ones by layer, then expert.
std::vector<ExpertId> ranked_class(std::span<ClassifiedExpert const> experts, ExpertClass label, Thresholds thresholds);
// All experts by ascending |gap|, equal ones by layer, then expert.
std::vector<ExpertId> by_smallest_gap(std::span<ClassifiedExpert const> experts);

}  // namespace gatesweep
