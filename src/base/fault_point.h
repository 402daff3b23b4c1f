// What system_call.cpp asks before each call.
#pragma once

#include <atomic>
#include <filesystem>
#include <optional>

#include "gatesweep/base/faults.h"

namespace gatesweep {

enum class FaultState { unread, off, armed };  // unread: the environment was not looked at yet
extern std::atomic<FaultState> fault_state;

// Counts the operation; slow, and only called while not `off`.
std::optional<Fault> next_fault(FileCall call, std::filesystem::path const& path);
[[noreturn]] void crash();

}  // namespace gatesweep
