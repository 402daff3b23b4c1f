// Whether a name is one of several.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string_view>

namespace gatesweep::jinja {

inline bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    for (std::string_view one : names)
        if (one == name) return true;
    return false;
}

template <std::size_t count>
bool is_in(std::string_view const (&names)[count], std::string_view name) {
    for (std::string_view one : names)
        if (one == name) return true;
    return false;
}

}  // namespace gatesweep::jinja
