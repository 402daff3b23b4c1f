#include "gatesweep/signal/gate_gradients.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "gatesweep/ops/gpu_kernels.h"
#include "gradient_scores.h"

namespace gatesweep {
namespace {

constexpr std::int64_t gradient_bytes = std::int64_t{64} << 20;  // of a GPU's memory, where prompts allow

// Host copies in the types that the sums use.
struct HostView {
    std::int64_t num_experts, num_columns, d;
    at::Tensor ids, dz, x;

    HostView(Routing const& routing, at::Tensor const& d_router_logits, at::Tensor const& router_input)
        : num_experts(routing.num_experts),
          num_columns(d_router_logits.size(1)),
          d(router_input.size(1)),
          ids(experts_of_gradient(routing)),
          dz(d_router_logits.to(at::kCPU, at::kDouble).contiguous()),
          x(router_input.cpu()) {}

    // Adds the outer products of tokens [begin, end) to gradient [E,D]; returns sum over tokens of sum_e |dz| * max
    // |x|.
    double accumulate(std::int64_t begin, std::int64_t end, std::vector<double>& gradient) const {
        auto const* id = ids.const_data_ptr<std::int64_t>();
        auto const* z = dz.const_data_ptr<double>();
        std::vector<double> row(static_cast<std::size_t>(d));
        double magnitude = 0;
        for (std::int64_t t = begin; t < end; ++t) {
            double const largest = load(t, row);
            for (std::int64_t i = t * num_columns; i < (t + 1) * num_columns; ++i) {
                double* const to = gradient.data() + id[i] * d;
                for (std::int64_t c = 0; c < d; ++c)
                    to[c] += z[i] * row[c];
                magnitude += std::abs(z[i]) * largest;
            }
        }
        return magnitude;
    }

private:
    double load(std::int64_t t, std::vector<double>& row) const {
        AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, x.scalar_type(), "router_input", [&] {
            auto const* from = x.const_data_ptr<scalar_t>() + t * d;
            for (std::int64_t c = 0; c < d; ++c)
                row[c] = static_cast<double>(from[c]);
        });
        double largest = 0;
        for (double value : row)
            largest = std::max(largest, std::abs(value));
        return largest;
    }
};

}  // namespace

GateGradientScores gate_gradient_scores(PackedBatch const& batch, Routing const& routing,
                                        at::Tensor const& d_router_logits, at::Tensor const& router_input) {
    if constexpr (cuda::is_built) {
        if (cuda::has_kernels(router_input)) {
            cuda::GateGradientInput const in{experts_of_gradient(routing).to(router_input.device()).contiguous(),
                                             d_router_logits.to(at::kFloat).contiguous(), router_input.contiguous(),
                                             routing.num_experts};
            std::int64_t const of_prompt = routing.num_experts * router_input.size(1) * std::int64_t{sizeof(double)};
            return scores_on_device(batch, in, std::max<std::int64_t>(1, gradient_bytes / of_prompt),
                                    [&](at::Tensor const& offsets) { return cuda::gate_gradient(in, offsets); });
        }
    }
    HostView const view(routing, d_router_logits, router_input);
    std::int64_t const num_experts = view.num_experts, d = view.d;
    GateGradientScores result;
    result.scores.assign(static_cast<std::size_t>(batch.num_prompts() * num_experts), 0.0);
    result.imbalance.assign(static_cast<std::size_t>(batch.num_prompts()), 0.0);
    at::parallel_for(0, batch.num_prompts(), 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t p = first; p < last; ++p) {
            std::vector<double> gradient(static_cast<std::size_t>(num_experts * d), 0.0);
            double const magnitude = view.accumulate(batch.offsets[p], batch.offsets[p + 1], gradient);
            for (std::int64_t e = 0; e < num_experts; ++e) {
                double sum = 0;
                for (std::int64_t c = 0; c < d; ++c)
                    sum += std::abs(gradient[e * d + c]);
                result.scores[p * num_experts + e] = sum / static_cast<double>(d);
            }
            double largest_sum = 0;
            for (std::int64_t c = 0; c < d; ++c) {
                double column = 0;
                for (std::int64_t e = 0; e < num_experts; ++e)
                    column += gradient[e * d + c];
                if (!std::isnan(largest_sum) && !(std::abs(column) <= largest_sum)) largest_sum = std::abs(column);
            }
            result.imbalance[p] = largest_sum / (rounding_allowance * magnitude + std::numeric_limits<float>::min());
        }
    });
    return result;
}

std::vector<double> gate_gradient_of_prompt(PackedBatch const& batch, std::int64_t prompt, Routing const& routing,
                                            at::Tensor const& d_router_logits, at::Tensor const& router_input) {
    HostView const view(routing, d_router_logits, router_input);
    std::vector<double> gradient(static_cast<std::size_t>(view.num_experts * view.d), 0.0);
    view.accumulate(batch.offsets[prompt], batch.offsets[prompt + 1], gradient);
    return gradient;
}

}  // namespace gatesweep
