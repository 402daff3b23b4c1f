// A CUDA graph of what is launched: the recorder of decode_graphs.h.
#pragma once

#include "gatesweep/model/decode_graphs.h"

namespace gatesweep {

// Errors: unavailable in a build without CUDA; libtorch's where work waits for the device, which cannot be recorded.
std::unique_ptr<RecordedWork> record_graph(std::function<void()> const& work);

}  // namespace gatesweep
