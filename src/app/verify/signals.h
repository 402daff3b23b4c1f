// Two computations of the same signals, compared.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

#include "check.h"
#include "gatesweep/signal/signals.h"

namespace gatesweep {

struct SignalsDifference {
    double moved = 0;   // routed slots that went to another expert, as a share of all slots
    double losses = 0;  // largest difference, relative to the loss
    double scores = 0;  // largest difference of a gradient score, relative to the largest score
};

// Both hold the same prompts in the same order. A NaN on either side is a difference of NaN.
SignalsDifference difference(Signals const& a, Signals const& b);

// What may come out. On the CPU: nothing, every bit is promised. On a GPU the libraries choose kernels by shape, so
// sums round differently and near ties may fall the other way.
SignalsDifference allowed_difference(at::Device device, at::ScalarType dtype);

// Of every prompt and layer, counts sum to top-k x tokens.
Check counts_check(Signals const& signals, std::vector<std::int64_t> const& prompt_tokens, std::int64_t top_k);

Check compare_signals(std::string name, std::string compared, Signals const& a, Signals const& b,
                      SignalsDifference const& allowed);

}  // namespace gatesweep
