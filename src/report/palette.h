// Colours of figures and heatmaps, distinguishable under the common colour-vision deficiencies.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace gatesweep {

struct Colour {
    int red = 0;
    int green = 0;
    int blue = 0;
};

// "#rrggbb".
std::string hex(Colour colour);

// One colour per group: blue for the benign role, orange for the malicious, then others; repeats after the last.
Colour group_colour(std::size_t group_index);

// The band of random controls and the line of their mean. report.html swaps them for colours that fit its ground.
inline constexpr Colour band_colour = {205, 210, 215};
inline constexpr Colour band_mean_colour = {107, 115, 124};

// Stops at equal distances. Sequential runs from dark violet (low) over green to yellow (high), with lightness rising
// throughout; diverging from blue (negative) over near white (0) to orange (positive), the colours of the two roles.
enum class Palette { sequential, diverging };
std::span<Colour const> stops(Palette palette);

// The colour at `position`, clamped to 0..1, linear between stops.
Colour colour_at(Palette palette, double position);

}  // namespace gatesweep
