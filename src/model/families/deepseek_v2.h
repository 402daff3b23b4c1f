#pragma once

#include "family.h"

namespace gatesweep {
extern Family const deepseek_v2;
}
