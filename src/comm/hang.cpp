#include "gatesweep/comm/hang.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace gatesweep {
namespace {

constexpr std::size_t max_named = 8;

std::string what_it_does(Pulse const& pulse) {
    if (!pulse.activity.waiting_in.empty()) return "waits in " + pulse.activity.waiting_in;
    return pulse.file_call.empty() ? "computes" : "is " + pulse.file_call;
}

std::string working(Pulse const& pulse) {
    return fmt::format("{} {} without a step for {:.0f} s, in {}", pulse.who(), what_it_does(pulse), pulse.silent,
                       pulse.activity.place());
}

std::string stopped(int rank, std::optional<Pulse> const& pulse) {
    if (!pulse) return fmt::format("rank {} gives no sign of life and left no trace of where it is", rank);
    return fmt::format("{} gives no sign of life, last seen in {}", pulse->who(), pulse->activity.place());
}

std::string list(std::vector<std::string> const& parts) {
    std::string text;
    for (std::size_t i = 0; i < std::min(parts.size(), max_named); ++i)
        text += (i == 0 ? "" : "; ") + parts[i];
    if (parts.size() > max_named) text += fmt::format("; and {} more", parts.size() - max_named);
    return text;
}

// "ranks 0, 2 wait in MPI_Barrier, in signals; rank 1 (...) waits in MPI_Allreduce, in load"
std::string mismatch(std::vector<Pulse> const& pulses) {
    std::map<std::string, std::vector<int>> ranks;
    for (Pulse const& p : pulses)
        ranks[fmt::format("{}, in {}", what_it_does(p), p.activity.place())].push_back(p.rank);
    std::vector<std::string> parts;
    for (auto const& [what, who] : ranks) {
        std::vector<std::string> ids;
        for (int rank : who)
            ids.push_back(std::to_string(rank));
        std::string names;
        for (std::size_t i = 0; i < std::min(ids.size(), max_named); ++i)
            names += (i == 0 ? "" : ", ") + ids[i];
        if (ids.size() > max_named) names += fmt::format(" and {} more", ids.size() - max_named);
        parts.push_back(fmt::format("rank{} {}: {}", who.size() == 1 ? "" : "s", names, what));
    }
    return list(parts);
}

std::string whole(std::string const& problem, std::string const& why, double limit) {
    return fmt::format(
        "{} ({}; no rank has made progress for {:g} s): run again, it goes on where it was; GATESWEEP_WATCHDOG sets "
        "the limit in "
        "seconds, 0 for none",
        problem, why, limit);
}

}  // namespace

std::optional<Hang> find_hang(std::vector<std::optional<Pulse>> const& first,
                              std::vector<std::optional<Pulse>> const& second, double limit) {
    std::vector<Pulse> alive;
    std::vector<std::string> still, busy;
    for (std::size_t r = 0; r < second.size(); ++r) {
        bool const beats =
            second[r] && (!first[r] || first[r]->beats != second[r]->beats || first[r]->process != second[r]->process);
        if (beats) {
            alive.push_back(*second[r]);
            if (second[r]->silent < limit) return std::nullopt;
        } else {
            still.push_back(stopped(static_cast<int>(r), second[r]));
        }
    }
    if (alive.empty()) return std::nullopt;  // not even the reader: the folder is out of reach
    for (Pulse const& pulse : alive) {
        if (pulse.activity.waiting_in.empty()) busy.push_back(working(pulse));
    }
    Hang hang{alive.front().rank, {}};
    if (!still.empty()) {
        hang.message = whole(list(still), "stopped, or its node is gone; the others wait for it", limit);
    } else if (!busy.empty() && busy.size() < alive.size()) {
        hang.message = whole(list(busy), "the others wait for it", limit);
    } else {
        hang.message = whole("the ranks hang: " + mismatch(alive),
                             busy.empty() ? "they wait for each other" : "none waits for another", limit);
    }
    return hang;
}

std::string hang_seen_alone(Pulse const& own, std::string const& why, double limit) {
    return fmt::format(
        "{} ({}; limit {:g} s): run again, it goes on where it was; GATESWEEP_WATCHDOG sets the limit in seconds, 0 "
        "for none",
        working(own), why, limit);
}

}  // namespace gatesweep
