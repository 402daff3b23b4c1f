// Which file a thread of this process is stuck on, as the kernel tells it: nothing is recorded while all is well.
#pragma once

#include <sys/types.h>

#include <string>

namespace gatesweep {

// "reading /lustre/model-00001.safetensors" while `thread` (a kernel thread id) sits in a system call on a file; empty
// while it computes, waits for something else, or where the kernel does not tell.
std::string blocked_file_call(pid_t thread);

}  // namespace gatesweep
