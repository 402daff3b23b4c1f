// Progress of a phase: a bar with the time left on a terminal, plain lines elsewhere. Rank 0 shows it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace gatesweep {

class Progress {
public:
    Progress(std::string topic, std::string unit, bool shown);
    void update(std::int64_t done, std::int64_t all);
    double seconds() const;

private:
    std::string topic_, unit_;
    bool shown_;
    bool terminal_;
    std::chrono::steady_clock::time_point start_, last_;
};

}  // namespace gatesweep
