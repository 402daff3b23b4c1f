#include "sparsemixer.h"

#include <algorithm>

namespace gatesweep {

at::Tensor sparsemixer_gradient(Routing const& routing, at::Tensor const& d_routing_weights) {
    std::int64_t const k = routing.top_k(), num_experts = routing.num_experts;
    at::Tensor result = at::empty({routing.num_tokens(), num_experts}, d_routing_weights.options());
    std::vector<double> sums(static_cast<std::size_t>(num_experts));
    AT_DISPATCH_FLOATING_TYPES(result.scalar_type(), "route_backward", [&] {
        auto const *p = routing.slot_probabilities.const_data_ptr<scalar_t>(),
                   *dw = d_routing_weights.const_data_ptr<scalar_t>();
        auto const* ids = routing.expert_ids.const_data_ptr<std::int64_t>();
        auto* dz = result.data_ptr<scalar_t>();
        for (std::int64_t t = 0; t < routing.num_tokens(); ++t, dz += num_experts) {
            std::fill(sums.begin(), sums.end(), 0.0);
            for (std::int64_t slot = 0; slot < k; ++slot, p += num_experts, ++dw, ++ids) {
                // In float64, as route_backward says.
                double total = 0;
                for (std::int64_t e = 0; e < num_experts; ++e)
                    total += static_cast<double>(p[e]);
                if (total == 0) continue;
                double const outer = static_cast<double>(p[*ids]) / total * static_cast<double>(*dw);
                for (std::int64_t e = 0; e < num_experts; ++e)
                    sums[e] += outer * ((e == *ids ? 1.0 : 0.0) - static_cast<double>(p[e]) / total);
            }
            for (std::int64_t e = 0; e < num_experts; ++e)
                dz[e] = static_cast<scalar_t>(sums[e]);
        }
    });
    return result;
}

}  // namespace gatesweep
