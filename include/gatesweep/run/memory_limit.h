// What the control groups (cgroups) of this process leave it of the node's memory: Slurm, containers and systemd set
// them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace gatesweep {

// Bytes still free below the tightest limit on the path from this process's groups to their roots, version 1 and 2;
// none where there is no limit. Cached pages of files that the kernel would give back first count as free. `root` holds
// proc/self/cgroup and sys/fs/cgroup.
std::optional<std::uint64_t> memory_left_by_groups(std::filesystem::path const& root = "/");

}  // namespace gatesweep
