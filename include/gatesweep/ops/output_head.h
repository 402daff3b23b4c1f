// From final hidden states to tokens and to scores of given tokens. Logits are formed a few rows at a time.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/ops/linear.h"

namespace gatesweep {

// The most likely next token of each row, ties to the lower id: hidden [n,D] after the final norm, lm_head [V,D].
std::vector<std::int32_t> greedy_tokens(at::Tensor const& hidden, LinearWeight const& lm_head);
// The same as a tensor where the hidden states are, [n] int64: nothing waits for a GPU.
at::Tensor greedy_tokens_there(at::Tensor const& hidden, LinearWeight const& lm_head);

// log p of targets[i] as the next token of row i, in float64.
std::vector<double> target_log_probs(at::Tensor const& hidden, LinearWeight const& lm_head,
                                     std::span<std::int32_t const> targets);

struct TextScore {
    double nll_sum = 0.0;          // of the text's next tokens, nats
    double kl_sum = 0.0;           // sum over the same positions of KL(reference || this)
    std::int64_t num_targets = 0;  // tokens but the first
};

// Scores one text under several variants against a reference, of which the probabilities are formed once.
class TextScorer {
public:
    // hidden [n,D] of the reference, ids [n].
    TextScorer(at::Tensor const& reference_hidden, LinearWeight const& lm_head, std::span<std::int32_t const> ids);
    TextScore reference() const;
    TextScore score(at::Tensor const& hidden) const;  // [n,D]

private:
    struct RowScores {
        std::vector<double> nll, kl;  // [n-1]
    };
    RowScores score_rows(at::Tensor const& hidden) const;
    RowScores score_rows_on_device(at::Tensor const& hidden) const;

    LinearWeight lm_head_;
    std::vector<std::int32_t> ids_;
    at::Tensor log_p_;  // [n-1,V] float32 of the reference, on the model's device
};

}  // namespace gatesweep
