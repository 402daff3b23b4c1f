// Private to model: how a config.json says that weights are stored in fewer bits.
#pragma once

#include "config_fields.h"
#include "families/family.h"

namespace gatesweep {

// Whether the field quantization_config asks for experts in MXFP4 (mxfp4.h); false where it is absent. Errors: bad_data
// for any other form, for a family that has no such checkpoints, and where some experts would not be in that form.
bool reads_mxfp4(ConfigFields const& fields, Family const& family);

}  // namespace gatesweep
