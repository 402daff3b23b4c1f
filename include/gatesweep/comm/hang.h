// Who holds up a job that makes no progress, from two looks at every rank's pulse.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gatesweep/comm/pulse.h"

namespace gatesweep {

struct Hang {
    int teller = 0;       // the lowest rank that lives: it tells the user
    std::string message;  // whole, for the user
};

// Entry r of both is rank r's pulse, none where it could not be read; `second` is some beats later. None while a living
// rank has shown an event in the last `limit` seconds: as long as anybody works, the others wait rightly.
//
// Guilty are, in this order: ranks whose beats stand still; ranks that do not wait while others wait for them; else
// every rank, with what it waits in (a mismatch).
std::optional<Hang> find_hang(std::vector<std::optional<Pulse>> const& first,
                              std::vector<std::optional<Pulse>> const& second, double limit);

// What rank `own` alone can say, where the others' pulses cannot be read: `why`.
std::string hang_seen_alone(Pulse const& own, std::string const& why, double limit);

}  // namespace gatesweep
