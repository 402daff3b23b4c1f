#include "plan_time_text.h"

#include <fmt/core.h>

#include <algorithm>

#include "app/text_columns.h"
#include "gatesweep/base/words.h"
#include "plan_time.h"

namespace gatesweep {

std::string duration_text(double seconds) {
    if (seconds < 10) return fmt::format("{:.2g} s", seconds);
    if (seconds < 120) return fmt::format("{:.0f} s", seconds);
    return seconds < 7200 ? fmt::format("{:.0f} min", seconds / 60) : fmt::format("{:.1f} h", seconds / 3600);
}

std::string cluster_text(std::filesystem::path const& file, Cluster const& cluster) {
    return fmt::format("{}: {} x {} ranks, predicted from the rates it states, not measured", file.filename().string(),
                       cluster.nodes, cluster.ranks_per_node);
}

std::string time_table(TimePlan const& plan) {
    std::vector<std::vector<std::string>> rows = {
        {"predicted, busiest rank", "time", "products", "memory", "exchange", "note"}};
    auto const add = [&](std::string const& name, PhaseTime const& t, std::string const& note) {
        if (t.total() <= 0.0) return;
        rows.push_back({name, duration_text(t.total()), duration_text(t.products), duration_text(t.reading),
                        duration_text(t.exchange), note});
    };
    rows.push_back(
        {"load", duration_text(plan.load), "-", "-", "-", "from storage, what a node's ranks need between them"});
    add("signals", plan.signals, "");
    add("screen", plan.screen, "at most: every expert alone");
    add("sweep, prefill", plan.prefill, "at most: trials share what they have in common");
    add("sweep, decode", plan.decode, fmt::format("at most: {} steps of {} sequences", plan.decode_steps, plan.slots));
    add("texts read again", plan.texts, "at most");
    if (plan.reload > 0.0)
        rows.push_back({"harden, load", duration_text(plan.reload), "-", "-", "-", "every arm, to be judged"});
    add("harden, steps", plan.training, "at most: the longest texts");
    add("harden, judging", plan.judging, "at most");
    rows.push_back({"all", duration_text(plan.total()), "", "", "", ""});
    return aligned(rows);
}

std::string fit_text(Cluster const& cluster, RankMemory const& memory, std::int64_t slots) {
    std::uint64_t const needed =
        memory.weights + std::max({memory.tapes_recomputed, memory.hardening,
                                   memory.cache_slot * static_cast<std::uint64_t>(std::max<std::int64_t>(1, slots))});
    bool const fits = static_cast<double>(needed) <= cluster.memory;
    return fmt::format(
        "{} of {} on each rank: {}", bytes_text(needed), bytes_text(static_cast<std::uint64_t>(cluster.memory)),
        fits ? "fits" : "does not fit; raise parallel.expert_parallel, or lower signals.batch_tokens or sweep.slots");
}

}  // namespace gatesweep
