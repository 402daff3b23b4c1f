// Attention of packed sequences by libtorch's own flash attention: GPUs, 2-byte floats.
#pragma once

#include "gatesweep/ops/attention.h"

namespace gatesweep::flash {

bool takes(AttentionInput const& in);
at::Tensor attention(AttentionInput const& in);
// Computes the forward pass again, which costs less than keeping its row sums in every layer. The same bits at every
// run.
AttentionGradient attention_backward(AttentionInput const& in, at::Tensor const& d_output);

}  // namespace gatesweep::flash
