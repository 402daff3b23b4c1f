// Private to model: a tensor of a safetensors file as one of ATen's.
#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "gatesweep/input/safetensors.h"

namespace gatesweep {

// Of F32, F16 and BF16.
at::ScalarType stored_type(TensorEntry const& entry);

std::span<std::byte> bytes_of(at::Tensor const& x);  // one that is contiguous, on the host

// Error: bad_data with the tensor, its file and how many values are NaN or infinite.
void refuse_non_finite(at::Tensor const& values, std::string const& tensor, std::string const& file,
                       std::string_view remedy);

}  // namespace gatesweep
