// How much likelier the token behind a prompt begins a refusal than a compliance, and the gradient of that to the final
// hidden states.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/ops/linear.h"

namespace gatesweep {

// First tokens of openings; each list has one at least, none is in both.
struct OpeningTokens {
    std::vector<std::int32_t> refusals, compliances;
};

struct OpeningMargin {
    std::vector<double> margins;  // per prompt: log sum P(refusals) - log sum P(compliances), nats
    at::Tensor d_hidden;          // [T,D] gradient of the sum of the prompts' margins
};

// hidden [T,D] after the final norm, lm_head [V,D]; prompt s is [offsets[s], offsets[s+1]) and has a token.
OpeningMargin opening_margin(at::Tensor const& hidden, LinearWeight const& lm_head,
                             std::span<std::int64_t const> offsets, OpeningTokens const& openings);

}  // namespace gatesweep
