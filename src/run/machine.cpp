#include "gatesweep/run/machine.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "gatesweep/base/build_config.h"
#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/log.h"
#include "gatesweep/comm/devices.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/model/decode_graphs.h"
#include "gatesweep/model/model_size.h"
#include "gatesweep/model/token_dispatcher.h"
#include "gatesweep/ops/batch_invariance.h"
#include "gatesweep/ops/gpu_kernels.h"
#include "gatesweep/ops/linear.h"
#include "gatesweep/run/memory_limit.h"
#include "gatesweep/signal/signals.h"

namespace gatesweep {
namespace {

constexpr int max_threads = 1024;  // as parallel.threads

// Collective. A GPU of its own for every rank, or the CPU for all: with device = "auto" where no rank sees a GPU.
at::Device choose_device(DeviceKind kind, ParallelLayout const& layout) {
    Communicator const& world = layout.world;
    if (kind == DeviceKind::cpu) return at::kCPU;
#ifndef GATESWEEP_WITH_CUDA
    fail_once(world, [&] {
        GATESWEEP_VALIDATE(
            kind != DeviceKind::cuda, ExitCode::unavailable,
            "parallel.device = \"cuda\", but this gatesweep was built without CUDA: build with the preset "
            "cuda, or use device = \"cpu\"");
    });
#endif
    std::vector<DeviceFacts> mine;
    fail_once(world, [&] { mine = visible_devices(); });
    auto const all = gather_devices(world, layout.node, mine);
    bool const none = std::all_of(all.begin(), all.end(), [](RankDevices const& rank) { return rank.bus_ids.empty(); });
    if (none && kind == DeviceKind::automatic) return at::kCPU;
    std::vector<int> indices;
    fail_once(world, [&] {
        GATESWEEP_VALIDATE(
            !none, ExitCode::unavailable,
            "parallel.device = \"cuda\", but no rank sees a CUDA device (driver or allocation missing): ask for "
            "GPUs, or use device = \"cpu\"");
        indices = assign_devices(all, sharing_allowed() ? DeviceSharing::allowed : DeviceSharing::refused);
    });
    int const index = indices[static_cast<std::size_t>(world.rank())];
    set_device(index);
    return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

// What whoever started the program told OpenMP, as on nodes that are shared; 0 where nothing, or nothing it could mean.
int threads_of_environment() {
    char const* const text = std::getenv("OMP_NUM_THREADS");
    if (text == nullptr) return 0;
    std::string_view const first =
        std::string_view(text).substr(0, std::string_view(text).find(','));  // "4,2": by level
    int threads = 0;
    auto const [end, error] = std::from_chars(first.data(), first.data() + first.size(), threads);
    bool const is_number = error == std::errc() && end == first.data() + first.size();
    return is_number && threads >= 1 && threads <= max_threads ? threads : 0;
}

int automatic_threads(int ranks_on_node) {
    cpu_set_t set;
    int const usable = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int const share = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)) / std::max(1, ranks_on_node);
    return std::max(1, std::min(usable, share));
}

std::uint64_t free_on_node() {
    std::ifstream in("/proc/meminfo");
    std::string key;
    std::uint64_t kilobytes = 0;
    while (in >> key >> kilobytes) {
        if (key == "MemAvailable:") return kilobytes << 10;
        in.ignore(256, '\n');
    }
    return std::uint64_t{1} << 30;
}

std::uint64_t available_host_memory() {
    std::uint64_t const on_node = free_on_node();
    return std::min(on_node, memory_left_by_groups().value_or(on_node));
}

}  // namespace

std::uint64_t available_memory(at::Device device, int ranks_on_node) {
    if (!device.is_cuda()) return available_host_memory() / static_cast<std::uint64_t>(std::max(1, ranks_on_node));
    std::uint64_t const available = free_device_memory();
    return available > 0 ? available : std::uint64_t{1} << 30;
}

at::ScalarType choose_dtype(WeightType wanted, ModelConfig const& config) {
    if (wanted == WeightType::float32) return at::kFloat;
    if (wanted == WeightType::bfloat16) return at::kBFloat16;
    return config.stored_dtype == "bfloat16" ? at::kBFloat16 : at::kFloat;
}

std::string dtype_name(at::ScalarType dtype) {
    return dtype == at::kBFloat16 ? "bfloat16" : dtype == at::kDouble ? "float64" : "float32";
}

std::string Machine::describe() const {
    return fmt::format("{}, {}, {} thread{} each{}", device.is_cuda() ? "cuda" : "cpu", dtype_name(dtype), threads,
                       threads == 1 ? "" : "s", threads_by_environment ? " (OMP_NUM_THREADS)" : "");
}

Machine choose_machine(Job const& job, ModelConfig const& config, ParallelLayout const& layout) {
    Machine machine;
    machine.device = choose_device(job.parallel.device, layout);
    machine.dtype = choose_dtype(job.model.dtype, config);
    int const by_environment = job.parallel.threads == 0 ? threads_of_environment() : 0;
    machine.threads_by_environment = by_environment > 0;
    machine.threads = job.parallel.threads > 0 ? job.parallel.threads
                      : by_environment > 0     ? by_environment
                                               : automatic_threads(layout.node.size());
    at::set_num_threads(machine.threads);
    // Half of what the weights leave free may hold tapes, the rest is for work. Ranks agree, since they recompute
    // together.
    machine.free_memory = available_memory(machine.device, layout.node.size());
    std::size_t const element_size = c10::elementSize(machine.dtype);
    machine.weight_memory = weight_bytes(config, layout.local_experts(config.num_experts).count, element_size);
    std::uint64_t const left = machine.free_memory - std::min(machine.free_memory, machine.weight_memory);
    std::uint64_t const budget = job.signals.memory > 0 ? job.signals.memory : left / 2;
    machine.tape_memory = static_cast<std::uint64_t>(layout.world.all_reduce_min(static_cast<std::int64_t>(budget)));
    machine.overlaps = overlap_wanted() && layout.ep_size() > 1;
    return machine;
}

std::int64_t peak_memory() {
    std::ifstream in("/proc/self/status");
    std::string line;
    while (std::getline(in, line)) {
        if (line.starts_with("VmHWM:")) return std::atoll(line.c_str() + 6) << 10;
    }
    return 0;
}

std::string numerics_id(Machine const& machine) {
    FastDigest digest;
    digest.add(GATESWEEP_VERSION).add(GATESWEEP_GIT_REVISION).add(GATESWEEP_COMPILER).add(at::show_config());
    digest.add(machine.device.is_cuda() ? "cuda" : "cpu").add(dtype_name(machine.dtype)).add(at::get_cpu_capability());
    if (machine.device.is_cuda()) {
        digest.add(visible_devices()[static_cast<std::size_t>(machine.device.index())].name)
            .add(cuda::kernels_name())
            .add(decode_graph_wanted() ? "decode graph" : "")
            .add(machine.overlaps ? "overlap"
                                  : "")  // products of other numbers of rows, and so other kernels of cuBLAS
            .add(choose_decode_dispatch(machine.device) == DecodeDispatch::gathered ? "gathered" : "counted")
            .add(batch_invariance_wanted() ? "batch invariant" : "");
    } else {
        digest.add(gemm_kernel_name());
    }
    return digest.hex();
}

}  // namespace gatesweep
