// Host values as a tensor of a device. Towards a GPU they go through page-locked memory, so that the host does not
// wait.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <span>

namespace gatesweep {

template <class T>
at::Tensor upload(std::span<T const> values, at::Device device) {
    auto const options = at::TensorOptions(c10::CppTypeToScalarType<T>::value).pinned_memory(device.is_cuda());
    at::Tensor const host = at::empty({std::ssize(values)}, options);
    std::copy(values.begin(), values.end(), host.data_ptr<T>());
    return host.to(device, true);  // ATen keeps the page-locked memory until it was copied
}

}  // namespace gatesweep
