// Progress of a phase: a bar with the time left on a terminal, plain lines elsewhere. Rank 0 shows it, every rank tells its
// watchdog (base/activity.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "gatesweep/base/activity.h"

namespace gatesweep {

class Progress {
public:
    // `unit` must live for ever: a literal.
    Progress(RunPhase phase, char const* unit, bool shown);
    void update(std::int64_t done, std::int64_t all);
    double seconds() const;

private:
    std::string topic_;
    char const* unit_;
    bool shown_;
    bool terminal_;
    std::chrono::steady_clock::time_point start_, last_;
};

}  // namespace gatesweep
