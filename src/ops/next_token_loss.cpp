#include "gatesweep/ops/next_token_loss.h"

#include <cmath>

#include "gatesweep/ops/upload.h"
#include "logit_chunks.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/logit_loops.h"
#include "ops/cpu/row_loops.h"
#include "ops/generic/generic_ops.h"

namespace gatesweep {

using namespace kernels;

namespace {

// Logits [n,V] in the compute type become gradients; returns the rows' losses.
at::Tensor cross_entropy_in_place(at::Tensor logits, at::Tensor const& targets, at::Tensor const& scale) {
    if (!has_loops(logits)) return generic::cross_entropy_in_place(logits, targets, scale);
    std::int64_t const vocab = logits.size(1);
    at::Tensor losses = at::empty({logits.size(0)}, at::kDouble);
    auto* data = logits.data_ptr<float>();
    auto const* target = targets.const_data_ptr<std::int64_t>();
    auto const* factor = scale.const_data_ptr<double>();
    auto* loss = losses.data_ptr<double>();
    for_each_row(logits.size(0), vocab, [&](std::int64_t row) {
        float* const z = data + row * vocab;
        float const largest = largest_of_row(z, vocab);
        double const target_logit = static_cast<double>(z[target[row]] - largest),
                     sum = exponentials_in_place(z, largest, vocab);
        loss[row] = std::log(sum) - target_logit;
        scale_in_place(z, static_cast<float>(1.0 / sum), vocab);
        z[target[row]] -= 1.0F;
        scale_in_place(z, static_cast<float>(factor[row]), vocab);
    });
    return losses;
}

}  // namespace

NextTokenLoss next_token_loss(at::Tensor const& hidden, LinearWeight const& lm_head, at::Tensor const& ids,
                              std::span<std::int64_t const> offsets, Gradient gradient) {
    std::int64_t const num_prompts = static_cast<std::int64_t>(offsets.size()) - 1;
    std::vector<std::int64_t> sources, targets;  // rows that predict something, and what
    std::vector<double> scales;
    auto const* id = ids.const_data_ptr<std::int64_t>();
    for (std::int64_t s = 0; s < num_prompts; ++s) {
        for (std::int64_t t = offsets[s]; t + 1 < offsets[s + 1]; ++t) {
            sources.push_back(t);
            targets.push_back(id[t + 1]);
            scales.push_back(1.0 / static_cast<double>(offsets[s + 1] - offsets[s] - 1));
        }
    }
    at::Device const device = hidden.device();
    at::Tensor const source = upload<std::int64_t>(sources, device), target = upload<std::int64_t>(targets, device),
                     scale = upload<double>(scales, device);
    at::Tensor const rows = hidden.index_select(0, source);
    at::Tensor d_rows = gradient == Gradient::hidden ? at::empty_like(rows) : at::Tensor();

    auto const compute_type = hidden.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    std::vector<at::Tensor> losses_of_chunks;
    for_logit_chunks(rows.size(0), lm_head.num_outputs(), [&](std::int64_t begin, std::int64_t end) {
        at::Tensor const logits = token_linear(rows.slice(0, begin, end), lm_head).to(compute_type).contiguous();
        losses_of_chunks.push_back(
            cross_entropy_in_place(logits, target.slice(0, begin, end), scale.slice(0, begin, end)));
        if (d_rows.defined()) {
            d_rows.slice(0, begin, end).copy_(token_linear_input_gradient(logits.to(hidden.scalar_type()), lm_head));
        }
    });

    at::Tensor const all_losses =
        losses_of_chunks.empty() ? at::empty({0}, at::kDouble) : at::cat(losses_of_chunks).cpu();
    double const* row_loss = all_losses.const_data_ptr<double>();
    NextTokenLoss result;
    for (std::int64_t s = 0; s < num_prompts; ++s) {
        std::int64_t const num_targets = offsets[s + 1] - offsets[s] - 1;
        double sum = 0;
        for (std::int64_t i = 0; i < num_targets; ++i)
            sum += *row_loss++;
        result.losses.push_back(sum / static_cast<double>(num_targets));
    }
    if (d_rows.defined()) {
        result.d_hidden = at::zeros_like(hidden);
        result.d_hidden.index_copy_(0, source, d_rows);
    }
    return result;
}

}  // namespace gatesweep
