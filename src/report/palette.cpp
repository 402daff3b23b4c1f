#include "palette.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace gatesweep {
namespace {

constexpr std::array group_colours = {Colour{0, 114, 178},   Colour{213, 94, 0},    Colour{0, 158, 115},
                                      Colour{204, 121, 167}, Colour{136, 136, 136}, Colour{86, 180, 233}};
constexpr std::array sequential_stops = {Colour{68, 1, 84},    Colour{71, 45, 123},  Colour{59, 82, 139},
                                         Colour{44, 114, 142}, Colour{33, 145, 140}, Colour{40, 174, 128},
                                         Colour{94, 201, 98},  Colour{173, 220, 48}, Colour{253, 231, 37}};
constexpr std::array diverging_stops = {Colour{0, 72, 130},    Colour{0, 114, 178},   Colour{104, 170, 211},
                                        Colour{186, 215, 233}, Colour{247, 247, 245}, Colour{250, 210, 172},
                                        Colour{241, 159, 92},  Colour{213, 94, 0},    Colour{150, 58, 0}};

int mix(int from, int to, double share) {
    return static_cast<int>(std::lround(from + (to - from) * share));
}

}  // namespace

std::string hex(Colour colour) {
    return fmt::format("#{:02x}{:02x}{:02x}", colour.red, colour.green, colour.blue);
}

Colour group_colour(std::size_t group_index) {
    return group_colours[group_index % group_colours.size()];
}

std::span<Colour const> stops(Palette palette) {
    return palette == Palette::sequential ? std::span<Colour const>(sequential_stops) : diverging_stops;
}

Colour colour_at(Palette palette, double position) {
    auto const colours = stops(palette);
    double const place = std::clamp(position, 0.0, 1.0) * static_cast<double>(colours.size() - 1);
    auto const below = std::min(static_cast<std::size_t>(place), colours.size() - 2);
    double const share = place - static_cast<double>(below);
    Colour const& a = colours[below];
    Colour const& b = colours[below + 1];
    return {mix(a.red, b.red, share), mix(a.green, b.green, share), mix(a.blue, b.blue, share)};
}

}  // namespace gatesweep
