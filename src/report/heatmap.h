// What a layer x expert heatmap shows, the same in the figures and in report.html.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gatesweep/report/run_view.h"
#include "palette.h"

namespace gatesweep {

enum class ScaleKind { linear, logarithmic };

// From values to colours.
struct ColourScale {
    Palette palette = Palette::sequential;
    ScaleKind kind = ScaleKind::linear;
    double low = 0.0;
    double high = 1.0;
    double saturated_share = 0.0;  // of the cells, beyond the ends

    // Place on the palette, 0..1; nothing for a value without a colour (nan, or not positive on a logarithmic scale).
    std::optional<double> position(double value) const;
};

// One scale for all groups of a signal, so that their maps compare: linear from 0 for shares; logarithmic over at most
// four decades for raw gradients, whose size differs by orders of magnitude between layers.
ColourScale group_scale(RunView const& run, std::string_view signal);

// Symmetric about 0. For raw gradients it ends at the 98th percentile of |gap|, else the last layers would bleach the
// rest.
ColourScale gap_scale(ClassMap const& classes);
ColourScale zero_centred_scale(std::vector<double> const& values);  // symmetric, to the largest |value|

// Which axis runs across: layers, unless experts are more.
struct HeatmapGrid {
    bool layers_across = true;
    std::int64_t num_columns = 0;
    std::int64_t num_rows = 0;

    std::int64_t column(std::int64_t layer, std::int64_t expert) const { return layers_across ? layer : expert; }
    std::int64_t row(std::int64_t layer, std::int64_t expert) const { return layers_across ? expert : layer; }
    // Index into [L, E] of the cell at a place of the grid.
    std::size_t cell(std::int64_t column, std::int64_t row) const {
        return static_cast<std::size_t>(layers_across ? column * num_rows + row : row * num_columns + column);
    }
};

HeatmapGrid heatmap_grid(RunView const& run);

// gnuplot's command that names the places of an axis by their decoder layers; empty where every layer has a router.
std::string layer_tics(RunView const& run, char axis);

// "activation", "gradient", "gradient share" and what the number is, in words.
std::string signal_name(std::string_view signal);
std::string score_meaning(std::string_view signal);

}  // namespace gatesweep
