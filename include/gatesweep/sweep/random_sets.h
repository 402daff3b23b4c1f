// Random controls: sets of experts that resemble a selected one in all but the choice. Made again from their seed
// alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/input/job.h"

namespace gatesweep {

// [L, E] share of the layer's routed tokens that an expert gets, the mean of the two groups.
ScoreMap traffic_map(AnalysisResult const& result);

// A set of as many experts as `set` has (all different), by layer, then expert; a function of its arguments alone.
//   size     drawn from the whole model
//   layers   drawn within each layer, as many as `set` has there
//   traffic  of up to 256 such draws the one whose traffic is nearest to that of `set`. Where few sets exist, the best
//   of
//            256 draws would always be the same one: it is then the best of a hundredth of their number, at least of 1
// others_first: the experts of `set` itself come last: only where a layer (size: the model) has too few others, all of
// those are taken and the rest is drawn from its own. all: from its own too, for sets that are a share of all experts.
enum class DrawFrom { others_first, all };
std::vector<ExpertId> random_set(std::span<ExpertId const> set, ControlMatch match, MapView traffic, std::uint64_t seed,
                                 MoeLayers const& moe_layers = {}, DrawFrom from = DrawFrom::others_first);

}  // namespace gatesweep
