// Sets of experts by signed scores, as SteerMoE chooses them (arXiv 2509.09660): the largest scores above 0 are
// activated, the largest below 0 deactivated.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gatesweep/analysis/provider_scores.h"
#include "trial_content.h"

namespace gatesweep {

enum class SteeredFrom { top, bottom };  // the largest |scores|, or, as a control, the smallest that are not 0

struct SteeredExperts {
    std::vector<ExpertEdit> edits;  // by layer, then expert: value +1 or -1
    // Experts that the rule passes over: a layer takes no more than top-k activated ones.
    std::vector<ExpertId> passed_over;
    std::string shortage;  // why there is no such set: too few scores of a sign; empty: there is
};

// By |score|, equal ones by layer, then expert.
SteeredExperts steered_experts(MapView scores, SteeredSet const& set, RouterShape const& shape,
                               SteeredFrom from = SteeredFrom::top);

// The cells of sweep.activate x sweep.deactivate for every signal, each with its trial, which is
// without edits where the cell's outcome says that there is no such set. `kind`: selected; reverse, of the scores with
// the other sign; bottom, of the smallest.
std::vector<std::pair<GridCell, Trial>> steered_cells(TrialKind kind, SweepSpec const& sweep,
                                                      AnalysisResult const& result);

// "risk-difference +15 -5"
std::string name_of(SteeredSet const& set);
// What a table says of experts that were passed over; empty for none.
std::string passed_over_text(std::string const& name, SteeredExperts const& experts, std::int64_t top_k);

// The scores of a provider, or the gaps of a signal. It is one of the analysis.
ScoreMap signed_scores(std::string const& provider, AnalysisResult const& result);

}  // namespace gatesweep
