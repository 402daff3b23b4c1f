#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/input/toml_section.h"

namespace gatesweep {

// A list of texts; anything else is ExitCode::job. `what` is what messages call it: "[refusal] phrases".
inline std::vector<std::string> read_texts(toml::node const& node, std::string_view what, std::string_view file) {
    std::vector<std::string> out;
    toml::array const* list = node.as_array();
    GATESWEEP_VALIDATE(list, ExitCode::job, "{}: {} is {}: give a list of texts", place_of(node, file), what,
                       describe(node));
    for (auto const& item : *list) {
        auto const text = item.value_exact<std::string>();
        GATESWEEP_VALIDATE(text, ExitCode::job, "{}: {} has {} in its list: give texts only", place_of(item, file),
                           what, describe(item));
        out.push_back(*text);
    }
    return out;
}

}  // namespace gatesweep
