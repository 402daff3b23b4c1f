// What [analysis] of a job says: the one struct that job, analysis and report share.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "gatesweep/terms/signal_kind.h"

namespace gatesweep {

struct AnalysisParameters {
    std::string benign = "benign";  // names of the two groups that are compared
    std::string malicious = "harmful";
    std::vector<double> coverage = {0.80, 0.90, 0.95};  // levels, each in (0, 1]
    std::int64_t top = 10;                              // ranks that count as the top
    std::array<Thresholds, signal_kinds.size()> all_limits = [] {
        std::array<Thresholds, signal_kinds.size()> limits;
        for (SignalFacts const& facts : signal_kinds)
            limits[static_cast<std::size_t>(facts.kind)] = facts.limits;
        return limits;
    }();

    Thresholds const& limits(SignalKind kind) const { return all_limits[static_cast<std::size_t>(kind)]; }
    Thresholds& limits(SignalKind kind) { return all_limits[static_cast<std::size_t>(kind)]; }
};

}  // namespace gatesweep
