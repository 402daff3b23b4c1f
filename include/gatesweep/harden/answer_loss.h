// The loss of hardening on final hidden states, and its gradient to them:
//
//   mean over the answers' tokens of refusals of -log p(token)                       (cross-entropy)
//   + beta * mean over the answers' tokens of other texts of KL(p_base || p)         (stays near the base model)
//
// Both in nats, over all rows of a step. Our reading of RASET's objective; methods and reasons in jobs/README.md.
#pragma once

#include <ATen/ATen.h>

#include "gatesweep/harden/training_text.h"
#include "gatesweep/ops/linear.h"

namespace gatesweep {

struct AnswerLoss {
    double refusal_sum = 0.0;  // of the cross-entropies, before the mean
    double kl_sum = 0.0;
    at::Tensor d_hidden;  // [T,D]
};

// hidden and base_hidden [T,D] after the final norm, of the model with the adapter and without; base_hidden may be
// undefined where beta is 0: kl_sum is 0 then. On the CPU the bits depend on the rows alone.
AnswerLoss answer_loss(at::Tensor const& hidden, at::Tensor const& base_hidden, LinearWeight const& lm_head,
                       TrainingBatch const& batch, RowCounts const& of_step, double beta);

}  // namespace gatesweep
