// What hardening holds beside the weights, reckoned from the model's shape and the longest texts.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "plan_harden.h"

namespace gatesweep {

// Bytes of host memory on the rank that has most.
struct HardenMemory {
    std::uint64_t adapters = 0;    // of all arms, one being trained, its moments and its best copy
    std::uint64_t gradients = 0;   // in float64: the sums, this rank's own, and what travels
    std::uint64_t products = 0;    // the adapter laid out for the products
    std::uint64_t tapes_kept = 0;  // of a part through all layers, and a layer's gradients
    std::uint64_t tapes_recomputed = 0;
    std::uint64_t logits = 0;      // of the rows that are formed at a time, with what the loss makes of them
    std::uint64_t checkpoint = 0;  // copies of the state while it is written
    std::uint64_t file = 0;        // the checkpoint's
    std::uint64_t replies = 0;     // keys and values of the sequences that are decoded at once

    // Without weights: of a step, with its tapes kept or not, of a checkpoint, and of judging.
    std::uint64_t step(bool kept) const {
        return adapters + gradients + products + logits + (kept ? tapes_kept : tapes_recomputed);
    }
    std::uint64_t save() const { return adapters + checkpoint; }
    std::uint64_t judging() const { return adapters + replies; }
};
HardenMemory harden_memory(HardenWork const& work, Inputs const& inputs, ModelConfig const& config,
                           std::int64_t num_ranks, at::ScalarType dtype);

}  // namespace gatesweep
