// What a pass over the prompts can measure beside the signals, where a score provider asks for it. One row makes a
// measure: collector, log of committed work, arrays of a run and input of the analysis go by it. Each is an array
// [P,L,E] of float64: a number for every prompt, layer with a router, and expert.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <string_view>

#include "gatesweep/base/nd_array.h"

namespace gatesweep {

enum class Measure { gate_mass, output_norm, margin_gradient };

struct MeasureFacts {
    Measure measure;
    std::string_view word;     // stem of arrays/<word>.npy
    std::string_view meaning;  // of one number, for the documentation
    bool is_signed;            // numbers below 0 are no error
    bool may_be_absent;        // a prompt may have none: NaN in its whole row
};

inline constexpr std::array measure_kinds = {
    MeasureFacts{Measure::gate_mass, "gate_mass", "sum over the prompt's tokens of the expert's weight", false, false},
    MeasureFacts{Measure::output_norm, "output_norm",
                 "sum over the prompt's tokens of the expert's weight times the length of its output", false, false},
    MeasureFacts{Measure::margin_gradient, "margin_gradient",
                 "sum over the prompt's tokens of d refusal margin / d router logit", true, true},
};

constexpr MeasureFacts const& facts_of(Measure measure) {
    return measure_kinds[static_cast<std::size_t>(measure)];
}

// Those that were asked for, in their order.
using Measures = std::map<Measure, NdArray<double>>;

}  // namespace gatesweep
