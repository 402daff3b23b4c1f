#include "gatesweep/model/model_size.h"

#include "gatesweep/model/weight_map.h"

namespace gatesweep {
namespace {

// Elements by what they belong to, summed over the whole model.
struct Elements {
    std::int64_t ends = 0;      // embedding, final norm, head
    std::int64_t shared = 0;    // of all layers, but for the experts
    std::int64_t experts = 0;   // of all layers, all experts
    std::int64_t matrices = 0;  // `shared` without vectors (norms)

    explicit Elements(ModelConfig const& config) {
        WeightMap const map = weight_map(config);
        for (auto const& [place, stored] : map.weights()) {
            std::int64_t const count = stored.num_elements();
            if (place.layer < 0) {
                ends += count;
            } else if (place.expert >= 0) {
                experts += count;
            } else {
                shared += count;
                if (stored.shape.size() > 1) matrices += count;
            }
        }
    }
    std::int64_t with_experts(ModelConfig const& config, std::int64_t num_experts) const {
        return ends + shared + experts / config.num_experts * num_experts;
    }
};

}  // namespace

std::int64_t num_parameters(ModelConfig const& config) {
    return Elements(config).with_experts(config, config.num_experts);
}

std::int64_t layer_elements(ModelConfig const& config, std::int64_t num_experts) {
    Elements const all(config);
    return (all.with_experts(config, num_experts) - all.ends) / config.num_layers;
}

std::int64_t expert_elements(ModelConfig const& config) {
    return Elements(config).experts / config.num_experts / config.num_layers;
}

std::uint64_t weight_bytes(ModelConfig const& config, std::int64_t num_experts, std::size_t element_size) {
    return static_cast<std::uint64_t>(Elements(config).with_experts(config, num_experts)) * element_size;
}

int degree_that_fits(ModelConfig const& config, std::uint64_t memory, std::size_t element_size) {
    Elements const all(config);
    for (std::int64_t degree = 1; degree <= config.num_experts; ++degree) {
        if (config.num_experts % degree != 0) continue;
        auto const bytes =
            static_cast<std::uint64_t>(all.with_experts(config, config.num_experts / degree)) * element_size;
        if (bytes <= memory) return static_cast<int>(degree);
    }
    return 0;
}

TokenProducts token_products(ModelConfig const& config) {
    return {Elements(config).matrices / config.num_layers, config.top_k * expert_elements(config),
            config.vocab_size * config.hidden_size};
}

}  // namespace gatesweep
