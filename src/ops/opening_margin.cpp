#include "gatesweep/ops/opening_margin.h"

#include <algorithm>
#include <cmath>

#include "gatesweep/ops/upload.h"
#include "logit_chunks.h"

namespace gatesweep {
namespace {

// log sum exp of the row's logits of these tokens; adds sign x their softmax, which is its gradient.
double log_sum(float const* logits, std::vector<std::int32_t> const& tokens, float sign, float* gradient) {
    double largest = static_cast<double>(logits[tokens.front()]);
    for (std::int32_t const token : tokens)
        largest = std::max(largest, static_cast<double>(logits[token]));
    double sum = 0;
    for (std::int32_t const token : tokens)
        sum += std::exp(static_cast<double>(logits[token]) - largest);
    for (std::int32_t const token : tokens)
        gradient[token] += sign * static_cast<float>(std::exp(static_cast<double>(logits[token]) - largest) / sum);
    return largest + std::log(sum);
}

}  // namespace

// What both sums have in common, the sum over all tokens, leaves the margin: the openings' logits alone count.
OpeningMargin opening_margin(at::Tensor const& hidden, LinearWeight const& lm_head,
                             std::span<std::int64_t const> offsets, OpeningTokens const& openings) {
    std::vector<std::int64_t> last;
    for (std::size_t s = 0; s + 1 < offsets.size(); ++s)
        last.push_back(offsets[s + 1] - 1);
    at::Tensor const rows_at = upload<std::int64_t>(last, hidden.device());
    at::Tensor const rows = hidden.index_select(0, rows_at);
    at::Tensor d_rows = at::empty_like(rows);
    OpeningMargin result;
    std::int64_t const vocab = lm_head.num_outputs();
    for_logit_chunks(rows.size(0), vocab, [&](std::int64_t begin, std::int64_t end) {
        at::Tensor const logits =
            token_linear(rows.slice(0, begin, end), lm_head).to(at::kCPU, at::kFloat).contiguous();
        at::Tensor const gradient = at::zeros_like(logits);
        for (std::int64_t row = 0; row < end - begin; ++row) {
            float const* const z = logits.const_data_ptr<float>() + row * vocab;
            float* const d = gradient.data_ptr<float>() + row * vocab;
            double const refusals = log_sum(z, openings.refusals, 1.0F, d);
            result.margins.push_back(refusals - log_sum(z, openings.compliances, -1.0F, d));
        }
        d_rows.slice(0, begin, end)
            .copy_(token_linear_input_gradient(gradient.to(hidden.device(), hidden.scalar_type()), lm_head));
    });
    result.d_hidden = at::zeros_like(hidden);
    result.d_hidden.index_copy_(0, rows_at, d_rows);
    return result;
}

}  // namespace gatesweep
