// CUDA graphs of what is launched: the recorder of decode_graphs.h.
#pragma once

#include "gatesweep/model/decode_graphs.h"

namespace gatesweep {

// What it records shares a stream and memory, and never runs at once. In a build with CUDA only. The recorder throws
// libtorch's errors where work waits for the device, which cannot be recorded.
Recorder graph_recorder();

}  // namespace gatesweep
