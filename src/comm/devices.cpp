#include "gatesweep/comm/devices.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <cstdlib>
#include <map>
#include <string_view>
#include <utility>

#include "gatesweep/base/error.h"
#include "gatesweep/base/host_name.h"

namespace gatesweep {

#ifndef GATESWEEP_WITH_CUDA
std::vector<DeviceFacts> visible_devices() {
    return {};
}
CudaVersions cuda_versions() {
    return {};
}
void set_device(int) {}
std::uint64_t free_device_memory() {
    return 0;
}
#endif

std::string cuda_version_text(int version) {
    return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

bool sharing_allowed() {
    char const* const text = std::getenv("GATESWEEP_ALLOW_SHARED_GPU");
    return text && std::string_view(text) == "1";
}

std::vector<int> assign_devices(std::span<RankDevices const> ranks, DeviceSharing sharing) {
    constexpr char const* remedy =
        "start as many ranks on a node as it has GPUs (Slurm: --gpus-per-node=N --ntasks-per-node=N; with mpirun not "
        "--gpus-per-task, which shows all ranks of a node one GPU), or use device = \"cpu\"";
    std::vector<int> indices;
    std::map<std::pair<int, std::string>, std::size_t> owner;  // of a GPU of a node
    for (std::size_t r = 0; r < ranks.size(); ++r) {
        RankDevices const& mine = ranks[r];
        GATESWEEP_VALIDATE(
            !mine.bus_ids.empty(), ExitCode::unavailable,
            "rank {} on {} sees no GPU (each rank computes on one of its own; the driver or the allocation is "
            "missing there): {}",
            r, mine.host, remedy);
        auto const sees_the_same = [&](RankDevices const& other) {
            return other.node == mine.node && other.bus_ids == mine.bus_ids;
        };
        auto const turn = static_cast<std::size_t>(
            std::count_if(ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(r), sees_the_same));
        std::size_t const count = mine.bus_ids.size(), index = turn % count;
        std::string const& bus_id = mine.bus_ids[index];
        auto const [place, is_new] = owner.try_emplace({mine.node, bus_id}, r);
        GATESWEEP_VALIDATE(
            is_new || sharing == DeviceSharing::allowed, ExitCode::unavailable,
            "ranks {} and {} on {} would compute on the same GPU {}, of {} that rank {} sees (NCCL does not work "
            "between them, and each would have half of its memory): {}",
            place->second, r, mine.host, bus_id, count, r, remedy);
        indices.push_back(static_cast<int>(index));
    }
    return indices;
}

std::vector<RankDevices> gather_devices(Communicator const& world, Communicator const& node,
                                        std::span<DeviceFacts const> devices) {
    RankDevices mine;
    mine.node = static_cast<int>(node.all_reduce_min(world.rank()));
    mine.host = host_name();
    for (DeviceFacts const& device : devices)
        mine.bus_ids.push_back(device.bus_id);
    std::vector<RankDevices> all = world.gather_value(mine, 0);
    world.broadcast_value(all, 0);
    return all;
}

}  // namespace gatesweep
