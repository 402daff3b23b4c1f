// Numbers and counts as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatesweep {

// "1 rank", "2 ranks", "3 batches".
std::string plural(std::int64_t count, std::string_view what);

// "1.5 kB", "412.5 MB", "93.4 GB": powers of ten, as file listings and cluster pages count.
std::string bytes_text(std::uint64_t bytes);
double gigabytes(std::uint64_t bytes);

}  // namespace gatesweep
