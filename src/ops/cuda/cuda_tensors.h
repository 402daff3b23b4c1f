// What the launches of kernels share: the types that they take.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <type_traits>

#include "gatesweep/ops/attention.h"
#include "gatesweep/ops/gpu_kernels.h"
#include "gatesweep/ops/router.h"
#include "gatesweep/ops/row_ops.h"
