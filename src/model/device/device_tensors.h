// What the launches of kernels share: the types that they take, and the modes of edits as numbers.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <type_traits>

#include "gatesweep/model/attention.h"
#include "gatesweep/model/gpu_kernels.h"
#include "gatesweep/model/router.h"
#include "gatesweep/model/row_ops.h"

namespace gatesweep::device {

inline constexpr int edit_mask = static_cast<int>(EditMode::mask), edit_zero = static_cast<int>(EditMode::zero),
                     edit_zero_renormalise = static_cast<int>(EditMode::zero_renormalise),
                     edit_steer = static_cast<int>(EditMode::steer), edit_bias = static_cast<int>(EditMode::bias);

}  // namespace gatesweep::device
