// Ranks that differ where they must not (another build, another copy of the checkpoint) are named before work starts.
#pragma once

#include <string>
#include <vector>

#include "gatesweep/base/error.h"
#include "gatesweep/comm/communicator.h"

namespace gatesweep {

// What must be equal on every rank. `key` and `remedy` are for the message and equal on every rank by construction.
struct NamedValue {
    std::string key;    // "config.json of /models/mixtral"
    std::string value;  // short: a digest, a version
    ExitCode code = ExitCode::unavailable;
    std::string remedy;  // "copy it again"
};

// Collective; every rank gives the same keys in the same order. Where ranks differ, an Error on one rank (as fail_once)
// about the first such key: right is what most ranks hold (in a tie, what rank 0 holds), and the others are named with
// their node and value.
void require_agreement(Communicator const& world, std::vector<NamedValue> const& values);

// The message for one key, empty when all agree. hosts[r] and values[r] are rank r's.
std::string disagreement(NamedValue const& what, std::vector<std::string> const& hosts,
                         std::vector<std::string> const& values);

}  // namespace gatesweep
