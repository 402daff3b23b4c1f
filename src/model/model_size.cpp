#include "gatesweep/model/model_size.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/model/weight_map.h"

namespace gatesweep {
namespace {

// Elements by what they belong to, or whatever else is counted of a weight.
struct Elements {
    // Of one layer.
    struct Layer {
        std::int64_t shared = 0;   // but for the experts
        std::int64_t experts = 0;  // all of them; none in a layer without a router
    };
    std::int64_t ends = 0;             // embedding, final norm, head
    std::int64_t matrices = 0;         // of all layers, but for the experts and without vectors (norms, biases)
    std::int64_t expert_matrices = 0;  // of all experts, the same
    std::vector<Layer> layers;

    using Count = std::function<std::int64_t(StoredWeight const&)>;
    explicit Elements(ModelConfig const& config, Count const& count_of = &StoredWeight::num_elements)
        : layers(static_cast<std::size_t>(config.num_layers)) {
        WeightMap const map = weight_map(config);
        for (auto const& [place, stored] : map.weights()) {
            std::int64_t const count = count_of(stored);
            if (place.layer < 0) {
                ends += count;
            } else if (place.expert >= 0) {
                layers[static_cast<std::size_t>(place.layer)].experts += count;
                if (stored.shape.size() > 1) expert_matrices += count;
            } else {
                layers[static_cast<std::size_t>(place.layer)].shared += count;
                if (stored.shape.size() > 1) matrices += count;
            }
        }
    }
    std::int64_t with_experts(ModelConfig const& config, std::int64_t num_experts) const {
        return std::accumulate(layers.begin(), layers.end(), ends, [&](std::int64_t sum, Layer const& layer) {
            return sum + of_layer(layer, config, num_experts);
        });
    }
    static std::int64_t of_layer(Layer const& layer, ModelConfig const& config, std::int64_t num_experts) {
        return layer.shared + layer.experts / config.num_experts * num_experts;
    }
    std::vector<std::int64_t> by_layer(ModelConfig const& config, std::int64_t num_experts) const {
        std::vector<std::int64_t> of_layers;
        for (Layer const& layer : layers)
            of_layers.push_back(of_layer(layer, config, num_experts));
        return of_layers;
    }
    std::int64_t of_all_experts() const {
        return std::accumulate(layers.begin(), layers.end(), std::int64_t{0},
                               [](std::int64_t sum, Layer const& layer) { return sum + layer.experts; });
    }
};

}  // namespace

std::int64_t num_parameters(ModelConfig const& config) {
    return Elements(config).with_experts(config, config.num_experts);
}

std::vector<std::int64_t> elements_by_layer(ModelConfig const& config, std::int64_t num_experts) {
    return Elements(config).by_layer(config, num_experts);
}

std::vector<std::int64_t> stored_bytes_by_layer(ModelConfig const& config, std::int64_t num_experts,
                                                std::size_t element_size) {
    return Elements(config, [&](StoredWeight const& stored) { return stored.num_bytes(element_size); })
        .by_layer(config, num_experts);
}

std::int64_t layer_elements(ModelConfig const& config, std::int64_t num_experts) {
    return std::ranges::max(elements_by_layer(config, num_experts));
}

std::int64_t expert_elements(ModelConfig const& config) {
    return Elements(config).of_all_experts() / config.num_experts / config.num_sparse_layers();
}

std::uint64_t weight_bytes(ModelConfig const& config, std::int64_t num_experts, std::size_t element_size) {
    return static_cast<std::uint64_t>(Elements(config).with_experts(config, num_experts)) * element_size;
}

int degree_that_fits(ModelConfig const& config, std::uint64_t memory, std::size_t element_size) {
    Elements const all(config);
    for (std::int64_t degree = 1; degree <= config.num_experts; ++degree) {
        std::int64_t const largest = ExpertSplit{config.num_experts, degree}.largest();
        auto const bytes = static_cast<std::uint64_t>(all.with_experts(config, largest)) * element_size;
        if (bytes <= memory) return static_cast<int>(degree);
    }
    return 0;
}

TokenProducts token_products(ModelConfig const& config) {
    Elements const all(config);
    return {all.matrices / config.num_layers,
            config.top_k * (all.expert_matrices / config.num_experts / config.num_layers),
            config.vocab_size * config.hidden_size};
}

}  // namespace gatesweep
