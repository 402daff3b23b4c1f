#pragma once

#include "family.h"

namespace gatesweep {
extern Family const phimoe;
}
