// What an expert does between its two products.
#pragma once

#include <optional>

namespace gatesweep {

// Of gate_up = [g | u]. Without a limit: silu(g) * u. With one, g is limited from above and u on both sides, and it is
// g * sigmoid(alpha * g) * (u + 1).
struct GateRule {
    std::optional<double> limit = {};
    double alpha = 1.0;
};

}  // namespace gatesweep
