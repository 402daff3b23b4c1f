#include "gatesweep/report/evidence.h"

#include <algorithm>
#include <cmath>

#include "sweep_facts.h"

namespace gatesweep {
namespace {

bool passes_random_sets(TrialResult const& result, ControlBand const& band) {
    double const lowest_possible = 1.0 / (1.0 + static_cast<double>(band.num_random));
    return result.p_empirical <= std::max(significance_level, lowest_possible);
}

}  // namespace

Evidence evidence_of(SweepView const& sweep, TrialResult const& result) {
    bool const has_q = !std::isnan(result.q_value);
    if (std::isnan(result.difference) || !((has_q ? result.q_value : result.p_exact) <= significance_level))
        return Evidence::within_chance;
    ControlBand const* const band = sweep.control_of(result);
    if (!band || band->num_random == 0) return Evidence::not_compared;
    return passes_random_sets(result, *band) ? Evidence::beyond_chance : Evidence::within_chance;
}

TrialResult const* strongest(SweepView const& sweep, std::string_view group) {
    for (auto const* kind : {"selected", "custom"}) {
        auto const found = strongest_first(sweep, group, {kind});
        if (found.empty()) continue;
        for (Evidence const evidence : {Evidence::beyond_chance, Evidence::not_compared}) {
            auto const first = std::ranges::find_if(
                found, [&](TrialResult const* result) { return evidence_of(sweep, *result) == evidence; });
            if (first != found.end()) return *first;
        }
        return found.front();
    }
    return nullptr;
}

std::vector<TrialResult const*> headline_sets(SweepView const& sweep, std::string_view group) {
    std::vector<TrialResult const*> sets;
    TrialResult const* const best = strongest(sweep, group);
    if (best && best->kind == "selected") sets.push_back(best);
    for (TrialResult const& result : sweep.results) {
        if (result.group == group && result.kind == "custom") sets.push_back(&result);
    }
    return sets;
}

}  // namespace gatesweep
