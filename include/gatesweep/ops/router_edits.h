// Interventions as data: what each variant of a sweep does to the router, layer by layer.
//
// A variant is a row of [variants, L] entries; an entry names one of the distinct layer edits (0: none). Sequences
// carry a variant id, so hundreds of variants run in one batch, and two variants that treat a layer alike share its
// work. Semantics, in float32 at the router logits z of one token:
//   mask              z[e] = -inf; then softmax, top-k, renormalise. With fewer than K experts left, slots without an
//                     expert have weight 0 and add nothing
//   zero              chosen and weighed as ever, then the weights of the edited experts are 0
//   zero_renormalise  the same, then the other weights are divided by their sum (all 0 when every chosen one is edited)
//   steer             s = log-softmax(z); s[e] = max s + 0.01 (value > 0) or min s - 0.01 (value < 0), both of the
//                     unedited s; then softmax, top-k, renormalise (SteerMoE, arXiv 2509.09660)
//   bias              z[e] += value; then softmax, top-k, renormalise
// Where a model does not renormalise (router.h), neither do mask, steer and bias: a weight is the softmax over what
// remains. Where it chooses first, the K largest of the edited logits are chosen, and their softmax takes the place of
// softmax, top-k, renormalise. Where it mixes sparsely, the two steps of router.h do, after mask, steer and bias: with
// log-softmax in the place of the logits their thresholds leave out other experts, in the rows steered alone.
// zero_renormalise divides by the sum in any case. A model's factor of the weights (router.h) comes last, and where it
// keeps groups of experts, they are chosen by the probabilities after mask, steer and bias.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/terms/edit_mode.h"

namespace gatesweep {

struct RouterEdit {
    std::int64_t layer = 0;
    std::int64_t expert = 0;
    double value = 1.0;  // steer: sign; bias: what is added; otherwise not used
};

// What happens to one layer's experts: a row of the table.
struct LayerEdit {
    EditMode mode = EditMode::mask;
    std::vector<float> values;  // [E], 0: left alone
    bool operator==(LayerEdit const&) const = default;
};

enum class Phase { prefill, decode };  // a prompt token, or a generated token that is fed back

class RouterEdits {
public:
    // Variant 0 is there from the start and edits nothing.
    RouterEdits(std::int64_t num_layers, std::int64_t num_experts);

    // The new variant's id. Errors: internal for an expert outside the model or listed twice (plans are checked
    // earlier).
    std::int32_t add(EditMode mode, EditScope scope, std::span<RouterEdit const> edits);

    std::int64_t num_layers() const { return num_layers_; }
    std::int64_t num_variants() const { return static_cast<std::int64_t>(scopes_.size()); }
    // Entry of a variant in a layer: 0, or an index into layer_edits().
    std::int32_t entry(std::int32_t variant, std::int64_t layer, Phase phase) const {
        EditScope const scope = scopes_[static_cast<std::size_t>(variant)];
        if (scope != EditScope::both && (scope == EditScope::prefill) != (phase == Phase::prefill)) return 0;
        return entries_[static_cast<std::size_t>(variant * num_layers_ + layer)];
    }
    std::vector<LayerEdit> const& layer_edits() const { return layer_edits_; }  // [0] edits nothing

private:
    std::int64_t num_layers_, num_experts_;
    std::vector<EditScope> scopes_;       // [variants]
    std::vector<std::int32_t> entries_;   // [variants, L]
    std::vector<LayerEdit> layer_edits_;  // distinct
};

struct RowEditTensors;  // row_edit_tensors.h

// The edits of one layer's pass: entry of every row of the batch. Without a table nothing is edited.
struct RowEdits {
    RouterEdits const* table = nullptr;
    std::span<std::int32_t const> entries = {};  // [T]
    RowEditTensors const* on_device = nullptr;   // the same; uploaded where a GPU needs them and they are not given

    LayerEdit const* of_row(std::int64_t row) const {
        if (!table || entries[static_cast<std::size_t>(row)] == 0) return nullptr;
        return &table->layer_edits()[static_cast<std::size_t>(entries[static_cast<std::size_t>(row)])];
    }
};

}  // namespace gatesweep
