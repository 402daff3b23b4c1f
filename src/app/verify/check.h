// One line of the table that `gatesweep verify` prints: what was compared, what came out, what was allowed.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

namespace gatesweep {

enum class Verdict { ok, failed, skipped, note };  // note: a number to know, not a promise

struct Check {
    std::string name;
    std::string compared;
    std::string figure;
    std::string limit;
    Verdict verdict = Verdict::failed;
};

// Written so that a NaN fails.
inline Verdict judge(bool holds) {
    return holds ? Verdict::ok : Verdict::failed;
}

// Room for weights, and a quarter more for what is computed with them.
inline bool fits(std::uint64_t weights, std::uint64_t available) {
    return weights + weights / 4 <= available;
}

// Takes the larger one; a NaN, once there, stays.
inline void raise(double& worst, double value) {
    if (!std::isnan(worst) && !(value <= worst)) worst = value;
}

// A check that `needed` bytes would allow, where a rank has `available`.
Check skipped_for_memory(std::string name, std::string compared, std::uint64_t needed, std::uint64_t available);

std::string table_header();
std::string table_row(Check const& check);

}  // namespace gatesweep
