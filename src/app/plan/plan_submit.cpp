#include "plan_submit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

constexpr std::int64_t decoded_at_once = 64;              // where the job leaves the number to the memory there is
constexpr std::uint64_t program_and_libraries = 1 << 30;  // bytes of a rank
constexpr double most_minutes = 24 * 60;                  // a job goes on after its limit; long ones wait long

// "auto" is a GPU wherever this build can use one; where the plan is made may well be a node without.
bool takes_gpus(DeviceKind device) {
#ifdef GATESWEEP_WITH_CUDA
    return device != DeviceKind::cpu;
#else
    return device == DeviceKind::cuda;
#endif
}

// GB of a node's memory for so many ranks. Half of what weights leave free may hold a backward pass, so twice the
// least.
std::int64_t node_gigabytes(Job const& job, RankMemory const& m, std::int64_t ranks) {
    std::int64_t const slots = job.sweep.slots > 0 ? job.sweep.slots : decoded_at_once;
    std::uint64_t const rank =
        m.weights + std::max({2 * m.tapes_recomputed, m.hardening, static_cast<std::uint64_t>(slots) * m.cache_slot}) +
        m.arrays + program_and_libraries;
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(rank) * static_cast<double>(ranks) / (1 << 30)));
}

// A quarter more than reckoned, and a quarter of an hour to start and to write the report.
std::string time_limit(double seconds) {
    auto const minutes = static_cast<std::int64_t>(std::min(most_minutes, std::ceil(seconds * 1.25 / 60) + 15));
    return fmt::format("{:02}:{:02}:00", minutes / 60, minutes % 60);
}

}  // namespace

std::string shell_word(std::string const& word) {
    if (word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-=,:+") ==
        std::string::npos)
        return word;
    std::string out = "'";
    for (char c : word)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string sbatch_line(Options const& options, Job const& job, std::int64_t num_ranks, RankMemory const& memory,
                        double seconds) {
    GATESWEEP_VALIDATE(num_ranks % options.num_nodes == 0, ExitCode::job,
                       "--nodes {}: {} ranks cannot be spread evenly over them (each node starts as many): change "
                       "--nodes or --ranks",
                       options.num_nodes, num_ranks);
    std::int64_t const per_node = num_ranks / options.num_nodes;
    bool const gpu = takes_gpus(job.parallel.device);
    std::string line = fmt::format("sbatch --job-name={} --nodes={} --ntasks-per-node={}", shell_word(job.name),
                                   options.num_nodes, per_node);
    if (gpu) line += fmt::format(" --gpus-per-node={}", per_node);
    if (!gpu) line += fmt::format(" --mem={}G", node_gigabytes(job, memory, per_node));
    if (job.parallel.threads > 0) line += fmt::format(" --cpus-per-task={}", job.parallel.threads);
    if (seconds > 0) line += " --time=" + time_limit(seconds);
    line += fmt::format(" slurm/{}.sbatch {} results/{}",
                        !gpu                    ? "cpu"
                        : options.num_nodes > 1 ? "gpu-nodes"
                                                : "gpu",
                        shell_word(options.job.string()), shell_word(job.name));
    for (auto const& change : options.overrides)
        line += " --set " + shell_word(change);
    return line;
}

}  // namespace gatesweep
