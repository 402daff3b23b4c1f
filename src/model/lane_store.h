// Keeps the keys and values of lanes in the cache slots of their branches, layer by layer.
#pragma once

#include <cstdint>
#include <span>

#include "gatesweep/model/decoder_layer.h"
#include "gatesweep/model/kv_cache.h"
#include "gatesweep/model/lanes.h"

namespace gatesweep {

class LaneStore {
public:
    // Branch b is kept in slots[b]. The arguments must outlive the object.
    LaneStore(KvCache& cache, std::span<std::int64_t const> slots, at::Device device)
        : cache_(cache), slots_(slots), device_(device) {}

    // Keys and values of a lane belong to all of its branches, also to those that leave it in a later layer.
    void layer(std::int64_t layer, Lanes const& lanes, bool lanes_changed, LayerTape const& tape);

private:
    void find_rows(Lanes const& lanes);

    KvCache& cache_;
    std::span<std::int64_t const> slots_;
    at::Device device_;
    // Of a GPU, which would wait for a copy a branch: the rows of the batch that are kept, and where.
    at::Tensor rows_, row_slots_, row_positions_;
};

}  // namespace gatesweep
