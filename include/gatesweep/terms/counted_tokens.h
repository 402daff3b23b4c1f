// Tokens that are counted: which they are, and to which experts the routers sent them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gatesweep {

struct CountedTokens {
    std::vector<std::int32_t> ids;       // [n]
    std::vector<std::uint16_t> experts;  // [L,n,K], by layer with a router
    std::int64_t top_k = 0;

    std::int64_t size() const { return std::ssize(ids); }
    // The experts of a token in a layer.
    std::span<std::uint16_t const> experts_of(std::int64_t row, std::int64_t token) const {
        return std::span(experts).subspan(static_cast<std::size_t>((row * size() + token) * top_k),
                                          static_cast<std::size_t>(top_k));
    }
};

}  // namespace gatesweep
