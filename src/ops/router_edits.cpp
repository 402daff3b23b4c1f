#include "gatesweep/ops/router_edits.h"

#include <algorithm>
#include <map>

#include "gatesweep/base/error.h"

namespace gatesweep {

RouterEdits::RouterEdits(std::int64_t num_layers, std::int64_t num_experts)
    : num_layers_(num_layers),
      num_experts_(num_experts),
      scopes_{EditScope::both},
      entries_(static_cast<std::size_t>(num_layers), 0),
      layer_edits_{{EditMode::mask, std::vector<float>(static_cast<std::size_t>(num_experts), 0.0F)}} {}

std::int32_t RouterEdits::add(EditMode mode, EditScope scope, std::span<RouterEdit const> edits) {
    std::map<std::int64_t, LayerEdit> by_layer;
    for (RouterEdit const& edit : edits) {
        bool const inside =
            edit.layer >= 0 && edit.layer < num_layers_ && edit.expert >= 0 && edit.expert < num_experts_;
        GATESWEEP_VALIDATE(inside, ExitCode::internal,
                           "a trial edits expert {} of layer {}, outside the model: please report this mistake",
                           edit.expert, edit.layer);
        auto& layer = by_layer.try_emplace(edit.layer, LayerEdit{mode, layer_edits_[0].values}).first->second;
        float& value = layer.values[static_cast<std::size_t>(edit.expert)];
        GATESWEEP_VALIDATE(value == 0.0F && edit.value != 0.0, ExitCode::internal,
                           "a trial edits expert {} of layer {} twice, or by nothing: please report this mistake",
                           edit.expert, edit.layer);
        value = static_cast<float>(edit.value);
    }
    auto const variant = static_cast<std::int32_t>(scopes_.size());
    scopes_.push_back(scope);
    entries_.resize(entries_.size() + static_cast<std::size_t>(num_layers_), 0);
    for (auto const& [layer, edit] : by_layer) {
        auto found = std::find(layer_edits_.begin() + 1, layer_edits_.end(), edit);
        if (found == layer_edits_.end()) found = layer_edits_.insert(found, edit);
        entries_[static_cast<std::size_t>(variant * num_layers_ + layer)] =
            static_cast<std::int32_t>(found - layer_edits_.begin());
    }
    return variant;
}

}  // namespace gatesweep
