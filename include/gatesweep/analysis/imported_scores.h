// Tables of scores from elsewhere: SteerMoE's, by its own columns, or any as layer,expert,score.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "gatesweep/analysis/score_maps.h"
#include "gatesweep/terms/score_parameters.h"

namespace gatesweep {

// A row for every expert of the model, in any order. Of SteerMoE's table the score is risk_diff, which must be what its
// counts give, to 1e-12; other columns are passed over. Errors: bad_data with file and row for a table of other
// columns, experts outside the model, missing or twice, scores that are no finite numbers, counts that contradict them.
ScoreMap read_imported_scores(std::filesystem::path const& file, std::int64_t num_layers, std::int64_t num_experts,
                              MoeLayers const& moe_layers);

using ImportedMaps = std::map<std::string, ScoreMap>;  // by name in the job
ImportedMaps read_imports(ScoreParameters const& scores, std::int64_t num_layers, std::int64_t num_experts,
                          MoeLayers const& moe_layers);

}  // namespace gatesweep
