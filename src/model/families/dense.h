// Private to model: what dense families share. A dense model, as a judge, is the same decoder with one expert that
// every token goes to.
#pragma once

#include "family.h"

namespace gatesweep {

// model.layers.l.mlp.gate_proj|down_proj|up_proj.weight.
extern Spelling const dense_spellings[1];

// No router; the defaults that the families' classes in transformers have in common.
void read_dense_config(ModelConfig& config);

}  // namespace gatesweep
