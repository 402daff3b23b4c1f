// A list of experts from outside: CSV with the header layer,expert or layer,expert,weight.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "gatesweep/analysis/score_maps.h"

namespace gatesweep {

struct ListedExpert {
    ExpertId id;
    std::optional<double> weight;  // empty cell or no such column: none
};

// In the order of the file. bad_data with file and row for what is no such list: other columns, ids that are no whole
// numbers from 0, weights that are no finite numbers other than 0, an expert twice, no expert at all.
std::vector<ListedExpert> read_expert_list(std::filesystem::path const& file);

}  // namespace gatesweep
