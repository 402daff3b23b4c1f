#include "machine.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "gatesweep/base/build_config.h"
#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/log.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/model/linear.h"

#ifdef GATESWEEP_WITH_CUDA
#include <c10/cuda/CUDAFunctions.h>
#include <cuda_runtime_api.h>
#endif

namespace gatesweep {
namespace {

int num_cuda_devices() {
#ifdef GATESWEEP_WITH_CUDA
    return static_cast<int>(c10::cuda::device_count());
#else
    return 0;
#endif
}

at::Device choose_device(DeviceKind kind, int local_rank) {
    int const available = num_cuda_devices();
    if (kind == DeviceKind::cuda) {
#ifndef GATESWEEP_WITH_CUDA
        fail(ExitCode::unavailable, "parallel.device = \"cuda\", but this gatesweep was built without CUDA: build with the preset cuda, or use device = \"cpu\"");
#endif
        GATESWEEP_VALIDATE(available > 0, ExitCode::unavailable,
                           "parallel.device = \"cuda\", but this node shows no CUDA device (driver or allocation missing): ask for GPUs, "
                           "or use device = \"cpu\"");
    }
    if (kind == DeviceKind::cpu || available == 0) return at::kCPU;
    // A launcher that shows each rank its own GPU shows one; else ranks of a node share the list.
    int const index = available == 1 ? 0 : local_rank % available;
#ifdef GATESWEEP_WITH_CUDA
    c10::cuda::set_device(static_cast<c10::DeviceIndex>(index));
#endif
    return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

int choose_threads(int wanted, int ranks_on_node) {
    if (wanted > 0) return wanted;
    cpu_set_t set;
    int const usable = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int const share = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)) / std::max(1, ranks_on_node);
    return std::max(1, std::min(usable, share));
}

std::uint64_t available_host_memory() {
    std::ifstream in("/proc/meminfo");
    std::string key;
    std::uint64_t kilobytes = 0;
    while (in >> key >> kilobytes) {
        if (key == "MemAvailable:") return kilobytes << 10;
        in.ignore(256, '\n');
    }
    return std::uint64_t{1} << 30;
}

}  // namespace

std::uint64_t available_memory([[maybe_unused]] at::Device device, int ranks_on_node) {
#ifdef GATESWEEP_WITH_CUDA
    if (device.is_cuda()) {
        std::size_t available = 0, total = 0;
        return cudaMemGetInfo(&available, &total) == cudaSuccess ? available : std::uint64_t{1} << 30;
    }
#endif
    return available_host_memory() / static_cast<std::uint64_t>(std::max(1, ranks_on_node));
}

static std::uint64_t weight_bytes(ModelConfig const& config, ParallelLayout const& layout, at::ScalarType dtype) {
    std::int64_t const experts = config.num_layers * config.num_experts * 3 * config.hidden_size * config.intermediate_size;
    std::int64_t const mine = config.num_parameters() - experts + experts / layout.ep_size();
    return static_cast<std::uint64_t>(mine) * c10::elementSize(dtype);
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
    return fmt::format("{}, {}, {} thread{} each", device.is_cuda() ? "cuda" : "cpu", dtype_name(dtype), threads, threads == 1 ? "" : "s");
}

Machine choose_machine(Job const& job, ModelConfig const& config, ParallelLayout const& layout) {
    Machine machine;
    fail_once(layout.world, [&] { machine.device = choose_device(job.parallel.device, layout.node.rank()); });
    machine.dtype = choose_dtype(job.model.dtype, config);
    machine.threads = choose_threads(job.parallel.threads, layout.node.size());
    at::set_num_threads(machine.threads);
    // Half of what the weights leave free may hold tapes, the rest is for work. Ranks agree, since they recompute together.
    machine.free_memory = available_memory(machine.device, layout.node.size());
    machine.weight_memory = weight_bytes(config, layout, machine.dtype);
    std::uint64_t const left = machine.free_memory - std::min(machine.free_memory, machine.weight_memory);
    std::uint64_t const budget = job.signals.memory > 0 ? job.signals.memory : left / 2;
    machine.tape_memory = static_cast<std::uint64_t>(layout.world.all_reduce_min(static_cast<std::int64_t>(budget)));
    return machine;
}

void validate_memory(Machine const& machine, ParallelLayout const& layout) {
    GATESWEEP_VALIDATE(machine.weight_memory <= machine.free_memory, ExitCode::unavailable,
                       "the weights need {:.1f} GB on each rank, but {:.1f} GB of {} memory are free for each (with {} on this node): "
                       "raise parallel.expert_parallel with more ranks, start fewer ranks on a node, or use a machine with more memory",
                       static_cast<double>(machine.weight_memory) / 1e9, static_cast<double>(machine.free_memory) / 1e9,
                       machine.device.is_cuda() ? "device" : "host", layout.node.size());
}

std::int64_t peak_memory() {
    std::ifstream in("/proc/self/status");
    std::string line;
    while (std::getline(in, line)) {
        if (line.starts_with("VmHWM:")) return std::atoll(line.c_str() + 6) << 10;
    }
    return 0;
}

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

std::string numerics_id(Machine const& machine) {
    FastDigest digest;
    digest.add(GATESWEEP_VERSION).add(GATESWEEP_GIT_REVISION).add(GATESWEEP_COMPILER).add(at::show_config());
    digest.add(machine.device.is_cuda() ? "cuda" : "cpu").add(dtype_name(machine.dtype)).add(at::get_cpu_capability());
    if (!machine.device.is_cuda()) digest.add(gemm_kernel_name());
    return digest.hex();
}

}  // namespace gatesweep
