#include "sparsemixer_tensors.h"

#include <limits>
#include <vector>

namespace gatesweep::generic {

at::Tensor sparsemixer(at::Tensor const& scores, at::Tensor const& ids, double threshold) {
    constexpr double lowest = -std::numeric_limits<double>::infinity();
    at::Tensor left = scores;
    std::vector<at::Tensor> steps;
    for (std::int64_t step = 0; step < 2; ++step) {
        at::Tensor const best = ids.slice(1, step, step + 1), top = left.gather(1, best);
        at::Tensor const out = ((top - scores) / at::maximum(scores.abs(), top)).gt(threshold);
        steps.push_back(at::softmax(left.masked_fill(out, lowest), -1).nan_to_num(0.0));  // where nobody is left
        left = left.scatter(1, best, lowest);
    }
    return at::stack(steps, 1);
}

at::Tensor sparsemixer_backward(Routing const& routing, at::Tensor const& d_routing_weights) {
    at::Tensor const p = routing.slot_probabilities.to(at::kDouble), total = p.sum(-1, true);
    at::Tensor const share = p / at::where(total.eq(0), at::ones_like(total), total);
    at::Tensor const ids = routing.expert_ids.to(p.device()).unsqueeze(2);
    at::Tensor const outer = share.gather(2, ids) * d_routing_weights.to(at::kDouble).unsqueeze(2);
    at::Tensor const chosen = at::zeros_like(share).scatter(2, ids, outer);
    return (chosen - outer * share).sum(1).to(d_routing_weights.scalar_type());
}

}  // namespace gatesweep::generic
