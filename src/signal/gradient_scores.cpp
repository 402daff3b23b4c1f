#include "gradient_scores.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "gatesweep/ops/row_ops.h"

namespace gatesweep {
namespace {

std::vector<double> to_host(std::vector<at::Tensor> const& parts) {
    if (parts.empty()) return {};
    at::Tensor const all = at::cat(parts).to(at::kCPU).contiguous();
    auto const* const values = all.const_data_ptr<double>();
    return {values, values + all.numel()};
}

// Of each prompt: sum over its tokens of sum_e |dz| * max |x|. A NaN stays in its own prompt.
std::vector<double> magnitudes(PackedBatch const& batch, cuda::GateGradientInput const& in) {
    std::vector<double> const of_token =
        to_host({in.d_router_logits.to(at::kDouble).abs().sum(1) * in.router_input.abs().amax(1).to(at::kDouble)});
    std::vector<double> sums;
    for (std::int64_t p = 0; p < batch.num_prompts(); ++p)
        sums.push_back(
            std::accumulate(of_token.begin() + batch.offsets[p], of_token.begin() + batch.offsets[p + 1], 0.0));
    return sums;
}

}  // namespace

GateGradientScores scores_on_device(PackedBatch const& batch, cuda::GateGradientInput const& in,
                                    std::int64_t prompts_at_once, GradientOfPrompts const& gradient_of) {
    std::int64_t const num_prompts = batch.num_prompts();
    if (num_prompts == 0) return {};
    at::Tensor const offsets = at::tensor(batch.offsets, at::kLong).to(in.router_input.device());
    std::vector<at::Tensor> scores, largest_sums;
    for (std::int64_t first = 0; first < num_prompts; first += prompts_at_once) {
        std::int64_t const end = std::min(num_prompts, first + prompts_at_once);
        at::Tensor const gradient = gradient_of(offsets.slice(0, first, end + 1));
        largest_sums.push_back(gradient.sum(1).abs().amax(1));  // NaN where a column is NaN
        scores.push_back(row_sums(gradient.abs().flatten(0, 1)) / static_cast<double>(gradient.size(2)));
    }
    GateGradientScores result{to_host(scores), to_host(largest_sums)};
    std::vector<double> const magnitude = magnitudes(batch, in);
    for (std::size_t p = 0; p < magnitude.size(); ++p)
        result.imbalance[p] /= rounding_allowance * magnitude[p] + std::numeric_limits<float>::min();
    return result;
}

}  // namespace gatesweep
