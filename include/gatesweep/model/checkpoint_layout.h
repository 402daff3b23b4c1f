// Whether a checkpoint is the one that its config describes.
#pragma once

#include "gatesweep/input/checkpoint.h"
#include "gatesweep/model/weight_map.h"

namespace gatesweep {

// Checks that the checkpoint holds exactly the tensors that the config calls for, in one of the family's spellings,
// each with its shape and a float type (F32, F16, BF16). Errors: bad_data naming the tensor, its shape and the shape
// that the config asks for.
WeightMap validate_checkpoint(Checkpoint const& checkpoint, ModelConfig const& config);

}  // namespace gatesweep
