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
// All experts in the order of a class by ranks: of a provider of the analysis, or of a signal by its gaps.
std::vector<ExpertId> by_rank(std::string const& signal, std::string_view rank_class, AnalysisResult const& result);
// The first of them, as many in every layer: `share` % of its experts, rounded.
std::vector<ExpertId> share_of_layers(std::span<ExpertId const> ranking, double share, AnalysisResult const& result);
// All experts by ascending |gap|, equal ones by layer, then expert.
std::vector<ExpertId> by_smallest_gap(std::span<ClassifiedExpert const> experts);

}  // namespace gatesweep
