#include "cluster.h"

#include <cmath>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/input/toml_section.h"

namespace gatesweep {
namespace {

double positive(Section const& section, std::string_view key) {
    auto const value = section.number(key);
    GATESWEEP_VALIDATE(value, ExitCode::job,
                       "{}: [cluster] has no {} (the prediction needs it): add the rate that was measured",
                       section.place(), key);
    if (!std::isfinite(*value) || *value <= 0.0) section.refuse(key, "a number above 0");
    return *value;
}

}  // namespace

Cluster read_cluster(std::filesystem::path const& file) {
    GATESWEEP_VALIDATE(std::filesystem::is_regular_file(file), ExitCode::input_missing,
                       "{}: there is no such cluster file: correct the path", printable(file.string(), 400));
    toml::table const table = parse_toml(read_file(file), file.string(), "cluster file");
    Section const root(table, "", file.string(), {"cluster"});
    auto const section =
        root.section("cluster", {"nodes", "ranks_per_node", "memory_gb", "tflops", "memory_gb_per_s", "node_gb_per_s",
                                 "network_gb_per_s", "exchange_microseconds", "storage_gb_per_s"});
    GATESWEEP_VALIDATE(section, ExitCode::job,
                       "{}: there is no [cluster] section: slurm/README.md, Predicting the time, lists its keys",
                       file.string());
    constexpr std::int64_t most = 1 << 20;
    Cluster cluster;
    cluster.nodes = section->whole("nodes", 1, most).value_or(1);
    cluster.ranks_per_node = section->whole("ranks_per_node", 1, most).value_or(1);
    cluster.memory = positive(*section, "memory_gb") * 1e9;
    cluster.flops = positive(*section, "tflops") * 1e12;
    cluster.memory_bandwidth = positive(*section, "memory_gb_per_s") * 1e9;
    cluster.node_bandwidth = positive(*section, "node_gb_per_s") * 1e9;
    cluster.network_bandwidth = positive(*section, "network_gb_per_s") * 1e9;
    cluster.exchange_latency = positive(*section, "exchange_microseconds") * 1e-6;
    cluster.storage_bandwidth = positive(*section, "storage_gb_per_s") * 1e9;
    return cluster;
}

}  // namespace gatesweep
