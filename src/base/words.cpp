#include "gatesweep/base/words.h"

#include <fmt/format.h>

namespace gatesweep {

std::string plural(std::int64_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : what.ends_with("ch") ? "es" : "s");
}

double gigabytes(std::uint64_t bytes) {
    return 1e-9 * static_cast<double>(bytes);
}

std::string bytes_text(std::uint64_t bytes) {
    double const value = static_cast<double>(bytes);
    if (value < 1e6) return fmt::format("{:.1f} kB", value / 1e3);
    return value < 1e9 ? fmt::format("{:.1f} MB", value / 1e6) : fmt::format("{:.1f} GB", value / 1e9);
}

}  // namespace gatesweep
