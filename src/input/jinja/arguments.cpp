#include "arguments.h"

#include <fmt/format.h>

#include <algorithm>

#include "gatesweep/base/error.h"

namespace gatesweep::jinja {

Bound::Bound(std::string_view function, Arguments const& arguments, std::initializer_list<std::string_view> names,
             std::size_t required)
    : function_(function), names_(names.begin(), names.end()), found_(names.size(), nullptr) {
    if (arguments.values.size() > names.size())
        refuse(fmt::format("\"{}\" takes at most {} arguments here", printable(function), names.size()));
    for (std::size_t i = 0; i < arguments.values.size(); ++i)
        found_[i] = &arguments.values[i];
    for (auto const& [name, value] : arguments.named) {
        auto const it = std::find(names_.begin(), names_.end(), name);
        auto const i = static_cast<std::size_t>(it - names_.begin());
        if (it == names_.end() || found_[i])
            refuse(fmt::format("the argument \"{}\" of \"{}\" is not supported", printable(name), printable(function)));
        found_[i] = &value;
    }
    for (std::size_t i = 0; i < required; ++i) {
        if (!found_[i]) refuse(fmt::format("\"{}\" lacks its argument \"{}\"", printable(function), names_[i]));
    }
}

void Bound::unsuited(std::size_t i) const {
    refuse(fmt::format("the argument \"{}\" of \"{}\" is {}", names_[i], printable(function_), type_name(*found_[i])));
}

std::int64_t Bound::whole(std::size_t i, std::int64_t fallback) const {
    std::int64_t out = fallback;
    if (has(i) && !whole_of(*found_[i], out)) unsuited(i);
    return out;
}

Text const& Bound::text(std::size_t i) const {
    if (!found_[i]->text()) unsuited(i);
    return *found_[i]->text();
}

}  // namespace gatesweep::jinja
