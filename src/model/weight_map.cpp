#include "gatesweep/model/weight_map.h"

#include <functional>
#include <numeric>
#include <utility>

#include "families/family.h"
#include "gatesweep/base/error.h"
#include "mxfp4.h"

namespace gatesweep {

std::int64_t StoredWeight::num_elements() const {
    return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::int64_t StoredWeight::num_bytes(std::size_t element_size) const {
    if (storing != Storing::mxfp4) return num_elements() * static_cast<std::int64_t>(element_size);
    return num_elements() / mxfp4::block_values * (mxfp4::block_bytes + 1);
}

void WeightMap::add(WeightPlace const& place, std::string tensor, std::vector<std::int64_t> const& shape) {
    add(place, StoredWeight{.tensor = std::move(tensor), .tensor_shape = shape, .shape = shape});
}

void WeightMap::add(WeightPlace const& place, StoredWeight stored) {
    index_.emplace(place, weights_.size());
    weights_.emplace_back(place, std::move(stored));
}

StoredWeight const& WeightMap::at(WeightPlace const& place) const {
    auto const found = index_.find(place);
    GATESWEEP_EXPECT(found != index_.end());
    return weights_[found->second].second;
}

WeightMap weight_map(ModelConfig const& config) {
    return family_of(config.family).spellings.front().map(config);
}

}  // namespace gatesweep
