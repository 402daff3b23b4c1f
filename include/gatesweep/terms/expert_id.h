// One expert of one layer, as everything names it.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>

namespace gatesweep {

struct ExpertId {
    std::int64_t layer = 0;   // 0-based
    std::int64_t expert = 0;  // 0-based
    auto operator<=>(ExpertId const&) const = default;
};
std::string to_string(ExpertId id);                        // "7:5"
std::string to_string(std::span<ExpertId const> experts);  // "7:5 12:1"

}  // namespace gatesweep
