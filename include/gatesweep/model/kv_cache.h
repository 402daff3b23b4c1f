// Keys and values of the sequences that are being generated, one slot each. Slots are reused without being cleared: a
// query reads positions that its own sequence has written, and no others.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "gatesweep/model/model_config.h"

namespace gatesweep {

class KvCache {
public:
    // `capacity`: positions a slot holds, prompt and generated tokens.
    KvCache(ModelConfig const& config, std::int64_t num_slots, std::int64_t capacity, at::TensorOptions options);

    std::int64_t num_slots() const { return num_slots_; }
    std::int64_t capacity() const { return capacity_; }
    at::Tensor const& keys(std::int64_t layer) const {
        return keys_[static_cast<std::size_t>(layer)];
    }  // [slots, Hkv, capacity, d]
    at::Tensor const& values(std::int64_t layer) const { return values_[static_cast<std::size_t>(layer)]; }

    // Positions [0, n) of a slot, from rows [n, Hkv, d].
    void store_prefix(std::int64_t layer, std::int64_t slot, at::Tensor const& keys, at::Tensor const& values);
    // Row i of [n, Hkv, d] becomes position positions[i] of slot slots[i]: [n] int64 of the cache's device, each below
    // num_slots() and capacity().
    void store_rows(std::int64_t layer, at::Tensor const& slots, at::Tensor const& positions, at::Tensor const& keys,
                    at::Tensor const& values);

    // Bytes of one slot of `capacity` positions.
    static std::uint64_t slot_bytes(ModelConfig const& config, std::int64_t capacity, std::size_t element_size);

private:
    std::int64_t num_slots_, capacity_;
    std::vector<at::Tensor> keys_, values_;
};

}  // namespace gatesweep
