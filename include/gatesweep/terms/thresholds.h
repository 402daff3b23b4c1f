// Limits of the classes of experts (analysis/classification.h).
#pragma once

namespace gatesweep {

struct Thresholds {
    double gap = 0.0;  // at least so large is the difference of two means
    double min = 0.0;  // at least so large the larger mean
    bool operator==(Thresholds const&) const = default;
};

}  // namespace gatesweep
