// Interventions as tensors of the model's device, so that no layer of a pass waits for the host.
#pragma once

#include <ATen/ATen.h>

#include "gatesweep/ops/router_edits.h"

namespace gatesweep {

struct RowEditTensors {
    at::Tensor values;   // [entries,E] float32: LayerEdit::values
    at::Tensor modes;    // [entries] int32: LayerEdit::mode, or -1 where nothing is edited
    at::Tensor entries;  // [T] int32: of every row; undefined where nothing is edited
};

// The table alone, without entries.
RowEditTensors edit_table(RouterEdits const& edits, at::Device device);
// Those that are there already, or uploaded ones.
RowEditTensors tensors_of(RowEdits const& edits, at::Device device);

}  // namespace gatesweep
