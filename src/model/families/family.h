// Private to model: what sets one family of models apart. A family is one file of this folder and a row of families().
#pragma once

#include <fmt/core.h>

#include <span>
#include <string>
#include <string_view>

#include "gatesweep/model/model_config.h"
#include "gatesweep/model/weight_map.h"
#include "model/config_fields.h"
#include "model/rope_fields.h"

namespace gatesweep {

// One way in which checkpoints of a family name their tensors.
struct Spelling {
    WeightMap (*map)(ModelConfig const& config);
    // A tensor that this spelling alone has.
    std::string (*sign)(ModelConfig const& config);
};

struct Family {
    std::string_view model_type;  // of config.json
    std::string_view title;       // as people write it
    bool is_dense;                // no router: for judges
    // Key heads where config.json names none, as the family's class in transformers has it; 0: as many as query heads.
    std::int64_t default_kv_heads;
    // The fields that are the family's own, over the defaults of its class in transformers. Width and heads are known.
    void (*read_config)(ConfigFields const& fields, ModelConfig& config);
    std::span<Spelling const> spellings;  // the most common first
    RopeFields rope = {};
    std::int64_t default_head_dim = 0;  // where config.json names none; 0: width over query heads
    bool has_mxfp4 = false;             // whether its checkpoints may hold experts in MXFP4
};

std::span<Family const* const> families();
// Of a model_type that find_family knows.
Family const& family_of(std::string_view model_type);
Family const* find_family(std::string_view model_type);

// "model.layers.3." + suffix.
std::string layer_tensor(std::int64_t layer, std::string_view suffix);
// What nearly all families share: embedding, norms, head; the attention of a layer with its norms and biases.
void add_ends(WeightMap& map, ModelConfig const& config);
void add_attention(WeightMap& map, ModelConfig const& config, std::int64_t layer);

// The field sliding_window, of a family that heeds it whenever it is there.
void read_window(ConfigFields const& fields, ModelConfig& config);
// Of a family whose windows only some layers have: any of them is refused.
void refuse_windows(ConfigFields const& fields);
// The number of experts, and how many a token takes.
void read_expert_counts(ConfigFields const& fields, ModelConfig& config);

}  // namespace gatesweep
