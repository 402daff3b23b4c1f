// Private to model: the rotary embedding that a config.json asks for, in rope_parameters (v5) or rope_scaling and
// rope_theta (v4).
#pragma once

#include <span>

#include "config_fields.h"
#include "gatesweep/model/model_config.h"

namespace gatesweep {

inline constexpr RopeType plain_rope[] = {RopeType::plain};

// What a family's class in transformers computes of it.
struct RopeFields {
    std::span<RopeType const> types = plain_rope;
    // short_mscale and long_mscale are there, and take the place of longrope's own magnitude.
    bool has_mscales = false;
    // The short factors stay in longer sequences too.
    bool ignores_long_factors = false;
};

// Sets rope_theta and rope_scaling, which hold the family's defaults. Width, heads and max_position_embeddings are
// known. Errors: bad_data by the field's name, of a type that is not among the family's, and of fields that no such
// type has.
void read_rope(ConfigFields const& fields, RopeFields const& family, ModelConfig& config);

}  // namespace gatesweep
