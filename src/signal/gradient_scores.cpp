#include "gradient_scores.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace gatesweep {
namespace {

// [P]: sum over a prompt's tokens of sum_e |dz| * max |x|. Prompts are summed apart: a NaN stays in its own.
at::Tensor magnitudes(device::GateGradientInput const& in, at::Tensor const& offsets) {
    at::Tensor const of_token = in.d_router_logits.to(at::kDouble).abs().sum(1) * in.router_input.abs().amax(1).to(at::kDouble);
    return at::segment_reduce(of_token, "sum", {}, {}, offsets, 0, true);
}

std::vector<double> to_host(std::vector<at::Tensor> const& parts) {
    if (parts.empty()) return {};
    at::Tensor const all = at::cat(parts).to(at::kCPU).contiguous();
    auto const* const values = all.const_data_ptr<double>();
    return {values, values + all.numel()};
}

}  // namespace

GateGradientScores scores_on_device(PackedBatch const& batch, device::GateGradientInput const& in,
                                    std::int64_t prompts_at_once, GradientOfPrompts const& gradient_of) {
    std::int64_t const num_prompts = batch.num_prompts();
    if (num_prompts == 0) return {};
    at::Tensor const offsets = at::tensor(batch.offsets, at::kLong).to(in.router_input.device());
    at::Tensor const allowed = magnitudes(in, offsets) * rounding_allowance + std::numeric_limits<float>::min();
    std::vector<at::Tensor> scores, imbalance;
    for (std::int64_t first = 0; first < num_prompts; first += prompts_at_once) {
        std::int64_t const end = std::min(num_prompts, first + prompts_at_once);
        at::Tensor const gradient = gradient_of(offsets.slice(0, first, end + 1));
        imbalance.push_back(gradient.sum(1).abs().amax(1) / allowed.slice(0, first, end));  // NaN where a column is NaN
        scores.push_back(gradient.abs().mean(2).flatten());
    }
    return {to_host(scores), to_host(imbalance)};
}

}  // namespace gatesweep
