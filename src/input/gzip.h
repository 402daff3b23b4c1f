#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatesweep {

// The bytes that a .gz file holds, all of its members. `name` is for messages.
// Errors: bad_data when it is damaged, cut short, followed by something else, or larger than max_bytes.
std::string inflate_gzip(std::string_view compressed, std::string_view name,
                         std::uint64_t max_bytes = std::uint64_t{1} << 32);

}  // namespace gatesweep
