#include "gatesweep/model/kv_cache.h"

#include "gatesweep/base/error.h"

namespace gatesweep {

KvCache::KvCache(ModelConfig const& config, std::int64_t num_slots, std::int64_t capacity, at::TensorOptions options)
    : num_slots_(num_slots), capacity_(capacity) {
    for (std::int64_t l = 0; l < config.num_layers; ++l) {
        keys_.push_back(at::zeros({num_slots, config.num_kv_heads, capacity, config.head_dim}, options));
        values_.push_back(at::zeros({num_slots, config.num_kv_heads, capacity, config.head_dim}, options));
    }
}

void KvCache::store_prefix(std::int64_t layer, std::int64_t slot, at::Tensor const& keys, at::Tensor const& values) {
    GATESWEEP_EXPECT(keys.size(0) <= capacity_);
    keys_[layer][slot].slice(1, 0, keys.size(0)).copy_(keys.transpose(0, 1));
    values_[layer][slot].slice(1, 0, values.size(0)).copy_(values.transpose(0, 1));
}

void KvCache::store_rows(std::int64_t layer, at::Tensor const& slots, at::Tensor const& positions,
                         at::Tensor const& keys, at::Tensor const& values) {
    using namespace at::indexing;
    keys_[layer].index_put_({slots, Slice(), positions}, keys);
    values_[layer].index_put_({slots, Slice(), positions}, values);
}

std::uint64_t KvCache::slot_bytes(ModelConfig const& config, std::int64_t capacity, std::size_t element_size) {
    return static_cast<std::uint64_t>(2 * config.num_layers * config.num_kv_heads * config.head_dim * capacity) *
           element_size;
}

}  // namespace gatesweep
