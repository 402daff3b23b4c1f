#include "text_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace gatesweep {
namespace {

// Characters, not bytes: continuation bytes of UTF-8 take no place.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool is_figure(std::string_view text) {
    return text.find_first_not_of("0123456789.,+-e%") == std::string_view::npos;
}

}  // namespace

std::string aligned(std::vector<std::vector<std::string>> const& rows) {
    std::vector<std::size_t> widths;
    std::vector<bool> is_right;
    for (std::size_t r = 0; r < rows.size(); ++r) {
        widths.resize(std::max(widths.size(), rows[r].size()), 0);
        is_right.resize(widths.size(), true);
        for (std::size_t c = 0; c < rows[r].size(); ++c) {
            widths[c] = std::max(widths[c], width(rows[r][c]));
            if (r > 0 && !is_figure(rows[r][c])) is_right[c] = false;
        }
    }
    std::string out;
    for (auto const& row : rows) {
        std::string line;
        for (std::size_t c = 0; c < row.size(); ++c) {
            std::string const space(widths[c] - width(row[c]), ' ');
            line += (c == 0 ? "" : "  ") + (is_right[c] ? space + row[c] : row[c] + space);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + '\n';
    }
    return out;
}

}  // namespace gatesweep
