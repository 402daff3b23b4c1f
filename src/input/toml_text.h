// Values as TOML, for the resolved job.
#pragma once

#include <string>
#include <string_view>

#include "gatesweep/input/job.h"

namespace gatesweep {

std::string toml_string(std::string_view text);
// The shortest digits that read back as the same number.
std::string toml_number(double value);

template <class List, class Text>
std::string toml_list(List const& items, Text const& text) {
    std::string out;
    for (auto const& item : items)
        out += (out.empty() ? "" : ", ") + text(item);
    return '[' + out + ']';
}

}  // namespace gatesweep
