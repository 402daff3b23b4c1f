// Private to sweep: the rows of a grid before they are trials.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

// What a cell does with its set.
struct Manner {
    EditMode mode = EditMode::mask;
    std::optional<double> dose;
    EditScope scope = EditScope::both;
};

// Every mode of the sweep, with each of its doses where it has some, and each scope.
std::vector<Manner> manners_of(SweepSpec const& sweep);

// A row of the grid before its modes: so many of an ordered list of experts.
struct Selection {
    TrialKind kind = TrialKind::selected;
    std::string signal, expert_class;
    std::optional<double> gap_threshold;
    std::int64_t size = 0;
    std::span<ExpertId const> ranking;
    std::optional<double> share = {};  // of each layer, in %, where the size came from one

    std::span<ExpertId const> experts() const {
        return ranking.first(std::min(ranking.size(), static_cast<std::size_t>(size)));
    }
};

Trial trial_of(Selection const& selection, Manner const& how);
GridCell cell_of(Selection const& selection, Manner const& how);

}  // namespace gatesweep
