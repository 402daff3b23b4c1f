// A machine that a job might run on, as a small file describes it, for predictions.
#pragma once

#include <cstdint>
#include <filesystem>

namespace gatesweep {

// Rates are what the machine reaches, not what its data sheet promises.
struct Cluster {
    std::int64_t nodes = 1;
    std::int64_t ranks_per_node = 1;  // a GPU each, or a share of the cores
    double memory = 0.0;              // bytes of a rank's device
    double flops = 0.0;               // dense products of the model's type, per rank and second
    double memory_bandwidth = 0.0;    // bytes per second, per rank
    double node_bandwidth = 0.0;      // between ranks of a node, bytes per second that a rank sends
    double network_bandwidth = 0.0;   // the same between nodes
    double exchange_latency = 0.0;    // seconds of an all-to-all without data
    double storage_bandwidth = 0.0;   // bytes per second that a node reads

    std::int64_t num_ranks() const { return nodes * ranks_per_node; }
};

// [cluster] nodes, ranks_per_node, memory_gb, tflops, memory_gb_per_s, node_gb_per_s, network_gb_per_s,
// exchange_microseconds, storage_gb_per_s. Errors: input_missing; job for a key that is missing, unknown or out of
// range.
Cluster read_cluster(std::filesystem::path const& file);

}  // namespace gatesweep
