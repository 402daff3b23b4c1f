// Which decoder layers of a model have a router. What is measured has a row for each of them, in order; whatever has a
// name (tables, jobs, messages) counts decoder layers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gatesweep {

class MoeLayers {
public:
    // Every layer has one: rows and layers are the same, however many there are.
    MoeLayers() = default;
    explicit MoeLayers(std::vector<std::int64_t> layers);  // ascending

    std::int64_t layer(std::int64_t row) const {
        return layers_.empty() ? row : layers_[static_cast<std::size_t>(row)];
    }
    // -1 where the layer has no router, or is below 0.
    std::int64_t row(std::int64_t layer) const;
    // Whether the layer has a row of `num_rows`.
    bool has(std::int64_t layer, std::int64_t num_rows) const { return row(layer) >= 0 && row(layer) < num_rows; }
    bool is_every() const { return layers_.empty(); }

    // For messages: "the model has 32 layers of 8 experts, counted from 0", or "of the model's layers 1, 3 and 5 have
    // experts, 4 each, counted from 0".
    std::string words(std::int64_t num_rows, std::int64_t num_experts) const;

    bool operator==(MoeLayers const&) const = default;
    std::vector<std::int64_t> const& list() const { return layers_; }  // empty: every layer

private:
    std::vector<std::int64_t> layers_;  // empty: every layer
};

}  // namespace gatesweep
