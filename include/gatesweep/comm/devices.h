// Which GPU a rank computes on: one of its own.
//
// Launchers show GPUs in two ways: every rank of a node sees all of them (then ranks take them in turn), or each sees
// its own alone (then its index is 0 everywhere). Ranks of a node that see the same list are numbered within it, which
// covers both, and PCI bus ids tell whether two ranks meant the same GPU after all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gatesweep/comm/communicator.h"

namespace gatesweep {

struct DeviceFacts {
    std::string name;
    std::string bus_id;        // "0000:17:00.0"
    std::uint64_t memory = 0;  // bytes in all
    int architecture = 0;      // compute capability: 90 is 9.0
};
// What this process sees, in the order of CUDA's indices; nothing in a build without CUDA, or without a driver.
std::vector<DeviceFacts> visible_devices();

struct CudaVersions {
    int runtime = 0;  // 13000 is 13.0; 0: no CUDA in this build
    int driver = 0;   // the newest CUDA that the driver supports; 0: no driver
};
CudaVersions cuda_versions();
std::string cuda_version_text(int version);  // "13.0"

// Makes the device this process's current one, and its products of bfloat16 add up in float32.
void set_device(int index);
// Bytes free on the current device; 0 where it does not tell.
std::uint64_t free_device_memory();

// What one rank knows.
struct RankDevices {
    int node = 0;  // equal for ranks that share a machine
    std::string host;
    std::vector<std::string> bus_ids;  // of the devices it sees

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& node& host& bus_ids;
    }
};

// refused: NCCL does not work between two ranks on one GPU, and either has half of its memory.
enum class DeviceSharing { refused, allowed };
// GATESWEEP_ALLOW_SHARED_GPU=1, for tests with fewer GPUs than ranks. Rows then travel by MPI through host memory.
bool sharing_allowed();

// Each rank's index among the devices that it sees; ranks in order of their number in the world. Errors: unavailable,
// with ranks, host and GPU, where a rank sees none or two would share one.
std::vector<int> assign_devices(std::span<RankDevices const> ranks, DeviceSharing sharing);

// What each rank of the world sees, on every rank. Collective.
std::vector<RankDevices> gather_devices(Communicator const& world, Communicator const& node,
                                        std::span<DeviceFacts const> mine);

}  // namespace gatesweep
