// The pulse of a rank: a small file in the run's log folder, rewritten every few seconds by the rank's watchdog, that
// says what the rank does. Other ranks' watchdogs read it, and `status` may.
//
// Nodes' clocks differ: whether a rank lives shows in `beats` rising between two looks, not in a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "gatesweep/base/activity.h"

namespace gatesweep {

struct Pulse {
    int rank = 0;
    std::string host;
    int process = 0;
    std::uint64_t beats = 0;
    double silent = 0;      // seconds without an event of the main thread, by this rank's own clock
    Activity activity;      // without num_events
    std::string file_call;  // "writing FILE" while the main thread sits in it

    // "rank 3 on node n02 (process 1234)"
    std::string who() const;
};

// One line of a fixed length; a line that is not whole, or not of a pulse, is none.
std::string to_line(Pulse const& pulse);
std::optional<Pulse> parse_pulse(std::string_view line);

// folder/pulse-r0003
std::filesystem::path pulse_path(std::filesystem::path const& folder, int rank);

// Both without the layer that counts file operations: a pulse that cannot be written is no error. Each opens the file
// anew, for that is when network file systems look whether it changed.
void write_pulse(std::filesystem::path const& folder, Pulse const& pulse);
std::optional<Pulse> read_pulse(std::filesystem::path const& folder, int rank);
void remove_pulse(std::filesystem::path const& folder, int rank);

}  // namespace gatesweep
