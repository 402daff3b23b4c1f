// Many variants of the same texts in one forward pass: work that they share is done once.
//
// Branches of a text (one a variant) whose edits agree in all layers so far have the same hidden states; they travel in
// one lane. Before a layer that treats them differently their lane is split. On the CPU a sequence's bits depend on
// that sequence alone, so sharing changes none.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/model/packed_batch.h"
#include "gatesweep/ops/router_edits.h"

namespace gatesweep {

// A text: a prompt, and after it tokens that count as generated (scope of an edit).
struct Stem {
    std::span<std::int32_t const> ids;
    std::int64_t num_prompt_tokens = 0;
};

struct Branch {
    std::int64_t stem = 0;
    std::int32_t variant = 0;  // of the edit table
};

struct Lane {
    std::int64_t stem = 0;
    std::vector<std::int64_t> branches;  // ascending
};

class Lanes {
public:
    // One lane a stem that has branches. The arguments must outlive the object.
    Lanes(std::span<Stem const> stems, std::span<Branch const> branches, RouterEdits const& edits);

    std::vector<Lane> const& lanes() const { return lanes_; }
    PackedBatch const& batch() const { return batch_; }  // a sequence a lane

    // Splits lanes whose branches differ in this layer. Returns the rows of the former batch that the rows of the new
    // one are copies of; empty when no lane was split.
    std::vector<std::int64_t> split(std::int64_t layer);
    // The layer's table entry of every row.
    std::vector<std::int32_t> entries(std::int64_t layer) const;

private:
    struct Treatment {
        std::int32_t prompt = 0, generated = 0;
        auto operator<=>(Treatment const&) const = default;
    };
    Treatment treatment(std::int64_t branch, std::int64_t layer) const;
    std::int64_t length(Lane const& lane) const { return static_cast<std::int64_t>(stems_[lane.stem].ids.size()); }
    void pack_lanes();

    std::span<Stem const> stems_;
    std::span<Branch const> branches_;
    RouterEdits const& edits_;
    std::vector<Lane> lanes_;
    PackedBatch batch_;
};

}  // namespace gatesweep
