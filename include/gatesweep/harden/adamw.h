// AdamW (Loshchilov and Hutter, arXiv 1711.05101) as torch.optim.AdamW computes it, over the matrices of an adapter.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "gatesweep/model/adapter.h"

namespace gatesweep {

// An adapter's values in one row: pair after pair in the order of their places, A before B.
std::int64_t num_values(Adapter const& adapter);

struct AdamWState {
    std::int64_t step = 0;             // made
    std::vector<float> first, second;  // moments
};

struct AdamWOptions {
    double learning_rate = 1e-4;
    double weight_decay = 0.0;
    double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
};

// One step by `gradient`, in place. Values are float32, the arithmetic float64.
void adamw_step(Adapter& adapter, std::span<double const> gradient, AdamWState& state, AdamWOptions const& options);

// The gradient's norm before it is scaled down to `largest` where it is above it, as torch's clip_grad_norm_ does.
double clip_norm(std::span<double> gradient, double largest);

// Of step `step` of `num_steps`, from 0: a line up over the warm-up, then half a cosine down to 0.
double scheduled_rate(double peak, std::int64_t step, std::int64_t num_steps, std::int64_t num_warmup);

}  // namespace gatesweep
