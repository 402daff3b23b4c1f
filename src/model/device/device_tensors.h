// What the launches of kernels share: the types that they take, and the modes of edits as numbers.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <type_traits>

#include "gatesweep/base/error.h"
#include "gatesweep/model/attention.h"
#include "gatesweep/model/router.h"
#include "gatesweep/model/row_ops.h"

namespace gatesweep::device {

inline constexpr int edit_mask = static_cast<int>(EditMode::mask), edit_zero = static_cast<int>(EditMode::zero),
                     edit_zero_renormalise = static_cast<int>(EditMode::zero_renormalise),
                     edit_steer = static_cast<int>(EditMode::steer), edit_bias = static_cast<int>(EditMode::bias);

// body(a null pointer of the type): float32 and bfloat16 have kernels.
template <class Body>
void for_stored_type(at::ScalarType dtype, Body const& body) {
    GATESWEEP_EXPECT(dtype == at::kFloat || dtype == at::kBFloat16);
    if (dtype == at::kFloat) {
        body(static_cast<float const*>(nullptr));
    } else {
        body(static_cast<at::BFloat16 const*>(nullptr));
    }
}

}  // namespace gatesweep::device
