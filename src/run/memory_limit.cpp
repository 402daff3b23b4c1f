#include "gatesweep/run/memory_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

// The files of one version; version 1 writes "no limit" as a number near 2^63.
struct Version {
    fs::path mount;
    char const *limit, *usage;
    std::string_view cached;  // key of memory.stat; of the whole subtree
};

constexpr std::uint64_t unlimited = std::uint64_t{1} << 60;

// None for a missing file and for "max".
std::optional<std::uint64_t> number_in(fs::path const& file) {
    std::ifstream in(file);
    std::uint64_t value = 0;
    return in >> value ? std::optional(value) : std::nullopt;
}

std::uint64_t entry_of(fs::path const& file, std::string_view key) {
    std::ifstream in(file);
    std::string name;
    std::uint64_t value = 0;
    while (in >> name >> value) {
        if (name == key) return value;
    }
    return 0;
}

std::optional<std::uint64_t> left_in(fs::path const& group, Version const& version) {
    auto const limit = number_in(group / version.limit), usage = number_in(group / version.usage);
    if (!limit || !usage || *limit >= unlimited) return std::nullopt;
    std::uint64_t const used = *usage - std::min(*usage, entry_of(group / "memory.stat", version.cached));
    return *limit - std::min(*limit, used);
}

// Whether a line "4:cpu,memory:/slurm/job_1" of /proc/self/cgroup is of this version's memory groups.
bool concerns(std::string_view controllers, bool version_1) {
    return version_1 ? fmt::format(",{},", controllers).find(",memory,") != std::string::npos : controllers.empty();
}

}  // namespace

std::optional<std::uint64_t> memory_left_by_groups(fs::path const& root) {
    fs::path const mounts = root / "sys/fs/cgroup";
    Version const version_1{mounts / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
    Version const version_2{mounts, "memory.max", "memory.current", "inactive_file"};
    std::optional<std::uint64_t> least;
    std::ifstream groups(root / "proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        auto const first = line.find(':'), second = line.find(':', first + 1);
        if (first == line.npos || second == line.npos) continue;
        for (Version const* version : {&version_1, &version_2}) {
            if (!concerns(std::string_view(line).substr(first + 1, second - first - 1), version == &version_1))
                continue;
            // In a container the path may be one of the host's that does not exist here: then its root is ours.
            for (fs::path group = fs::path(line.substr(second + 1)).relative_path();; group = group.parent_path()) {
                if (auto const left = left_in(version->mount / group, *version))
                    least = std::min(least.value_or(*left), *left);
                if (group.empty()) break;
            }
        }
    }
    return least;
}

}  // namespace gatesweep
