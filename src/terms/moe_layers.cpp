#include "gatesweep/terms/moe_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace gatesweep {

MoeLayers::MoeLayers(std::vector<std::int64_t> layers) : layers_(std::move(layers)) {
    bool const is_every = !layers_.empty() && layers_.back() + 1 == std::ssize(layers_);
    if (is_every) layers_.clear();
}

std::int64_t MoeLayers::row(std::int64_t layer) const {
    if (layers_.empty()) return layer < 0 ? -1 : layer;
    auto const found = std::ranges::lower_bound(layers_, layer);
    return found == layers_.end() || *found != layer ? -1 : found - layers_.begin();
}

std::string MoeLayers::words(std::int64_t num_rows, std::int64_t num_experts) const {
    if (layers_.empty())
        return fmt::format("the model has {} layers of {} experts, counted from 0", num_rows, num_experts);
    if (layers_.size() == 1)
        return fmt::format("of the model's layers only {} has experts, {} of them, counted from 0", layers_.front(),
                           num_experts);
    std::string names;
    for (std::size_t i = 0; i < layers_.size(); ++i)
        names += fmt::format("{}{}", i == 0 ? "" : i + 1 < layers_.size() ? ", " : " and ", layers_[i]);
    return fmt::format("of the model's layers {} have experts, {} each, counted from 0", names, num_experts);
}

}  // namespace gatesweep
