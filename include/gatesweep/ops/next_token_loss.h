// Mean next-token cross-entropy of each packed prompt, and its gradient to the final hidden states.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/ops/linear.h"

namespace gatesweep {

struct NextTokenLoss {
    std::vector<double> losses;  // per prompt: mean over its n-1 targets
    at::Tensor d_hidden;         // [T,D] gradient of the sum of the prompts' losses; undefined when not asked for
};

enum class Gradient { none, hidden };

// hidden [T,D] after the final norm, lm_head [V,D], ids [T] int64 on the CPU; prompt s is [offsets[s], offsets[s+1])
// and has at least 2 tokens. Logits are formed a few rows at a time: [T,V] never exists.
NextTokenLoss next_token_loss(at::Tensor const& hidden, LinearWeight const& lm_head, at::Tensor const& ids,
                              std::span<std::int64_t const> offsets, Gradient gradient);

}  // namespace gatesweep
