#pragma once

namespace gatesweep {

// Memory that was freed stays with the process for the next layer: by default large blocks go back to the system each
// time, and getting them anew (page faults, clearing) took a tenth of the time of signals. Once, when what stays
// is there: weights that are read later would leave holes.
void keep_freed_memory();

// Back to the defaults, and what is free to the system: before weights are read in the place of others.
void return_freed_memory();

}  // namespace gatesweep
