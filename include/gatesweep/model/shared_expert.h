// The expert that every token goes to: besides those that the router chose, weighed by the sigmoid of a product of its
// own where the model has one, or alone in a layer without a router. It is on every rank: its tokens do not travel.
#pragma once

#include <ATen/ATen.h>

#include <optional>

#include "gatesweep/ops/linear.h"

namespace gatesweep {

struct SharedExpert {
    LinearWeight gate_up;                 // [2S, D], gate first
    LinearWeight down;                    // [D, S]
    std::optional<LinearWeight> weigher;  // [1, D]
};

// What the way back needs. Undefined in a layer without such an expert.
struct SharedTape {
    at::Tensor gate_up;  // [T, 2S] before the activation
    at::Tensor output;   // [T, D] of the expert
    at::Tensor weight;   // [T, 1]; undefined where nothing weighs it

    at::Tensor weighted() const { return weight.defined() ? output * weight : output; }
};

SharedTape shared_forward(SharedExpert const& expert, at::Tensor const& input);
// Gradient to the input, from that to weighted(): [T,D].
at::Tensor shared_backward(SharedExpert const& expert, SharedTape const& tape, at::Tensor const& d_weighted);

}  // namespace gatesweep
