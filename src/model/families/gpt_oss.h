#pragma once

#include "family.h"

namespace gatesweep {
extern Family const gpt_oss;
}  // namespace gatesweep
