#include "gatesweep/signal/activation_counts.h"

namespace gatesweep {

std::vector<std::int64_t> activation_counts(PackedBatch const& batch, Routing const& routing) {
    std::vector<std::int64_t> counts(static_cast<std::size_t>(batch.num_prompts() * routing.num_experts), 0);
    auto const* expert_id = routing.expert_ids.const_data_ptr<std::int64_t>();
    for (std::int64_t p = 0; p < batch.num_prompts(); ++p) {
        auto* const row = counts.data() + p * routing.num_experts;
        for (std::int64_t i = batch.offsets[p] * routing.top_k(); i < batch.offsets[p + 1] * routing.top_k(); ++i) {
            ++row[expert_id[i]];
        }
    }
    return counts;
}

}  // namespace gatesweep
