// What this rank computes on: device, threads, type, memory.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/input/job.h"
#include "gatesweep/model/model_config.h"

namespace gatesweep {

struct Machine {
    at::Device device = at::kCPU;
    at::ScalarType dtype = at::kFloat;
    int threads = 1;                      // per rank
    bool threads_by_environment = false;  // OMP_NUM_THREADS said so
    std::uint64_t weight_memory = 0;      // bytes of the weights that this rank holds
    std::uint64_t free_memory = 0;        // of its device, this rank's share, before the weights are loaded; bytes
    std::uint64_t tape_memory = 0;        // bytes for what the backward pass keeps, the same on every rank
    bool overlaps = false;                // SignalsOptions::in_halves

    std::string describe() const;  // "cpu, float32, 1 thread each (OMP_NUM_THREADS)"
};

// Collective; sets the number of threads and the GPU of this process. Errors: unavailable when the job asks for cuda
// and a rank has no GPU of its own (comm/devices.h).
Machine choose_machine(Job const& job, ModelConfig const& config, ParallelLayout const& layout);

// The most resident memory that this process has had so far, in bytes; 0 where the system does not tell.
std::int64_t peak_memory();

// Bytes free on the device, or on the node for each of the ranks that share its memory.
std::uint64_t available_memory(at::Device device, int ranks_on_node);

// Runs with equal ids promise equal bytes on the CPU: build, libraries, instruction set, device kind, type.
std::string numerics_id(Machine const& machine);

// The type that weights are computed with; automatic: the checkpoint's, float32 for float16.
at::ScalarType choose_dtype(WeightType wanted, ModelConfig const& config);

// "float32", "bfloat16", "float64".
std::string dtype_name(at::ScalarType dtype);

}  // namespace gatesweep
