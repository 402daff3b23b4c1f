// Methods of dictionaries and lists.
#include "methods.h"

#include <fmt/format.h>

#include <algorithm>

#include "attributes.h"
#include "loop.h"
#include "methods_text.h"
#include "objects.h"
#include "one_of.h"

namespace gatesweep::jinja {
namespace {

[[noreturn]] void unsupported(Value const& self, std::string_view name) {
    refuse(fmt::format(".{}() of {} is not supported", name, type_name(self)));
}

Value dictionary_method(Value const& self, std::string_view name, Arguments const& arguments) {
    Dict const& items = self.dict()->items;
    if (name == "get") {
        if (!arguments.named.empty()) refuse(".get() with a named argument");
        Bound const bound("get", arguments, {"key", "default"}, 1);
        check_key(bound.value(0));
        Value const* found = find(items, bound.value(0));
        return found ? *found : bound.value_or(1, None{});
    }
    Bound const none(name, arguments, {});
    if (name == "copy") return self;
    List out;
    for (auto const& [key, value] : items) {
        if (name == "keys") out.push_back(key);
        if (name == "values") out.push_back(value);
        if (name == "items") out.push_back(make_sequence(Flavour::tuple, {key, value}));
    }
    if (name == "keys") return make_sequence(Flavour::keys, std::move(out));
    if (name == "values") return make_sequence(Flavour::values, std::move(out));
    if (name == "items") return make_sequence(Flavour::items, std::move(out));
    unsupported(self, name);
}

Value sequence_method(Value const& self, std::string_view name, Arguments const& arguments) {
    List const& items = self.sequence()->items;
    bool const listed = self.sequence(Flavour::list) || self.sequence(Flavour::tuple);
    if (listed && name == "copy") {
        Bound const none(name, arguments, {});
        return self;
    }
    if (!listed || !is_one_of(name, {"count", "index"})) unsupported(self, name);
    if (!arguments.named.empty()) refuse(fmt::format(".{}() with a named argument", name));
    Bound const bound(name, arguments, {"value"}, 1);
    auto const matches = [&](Value const& item) { return equal(item, bound.value(0)); };
    if (name == "count") return static_cast<std::int64_t>(std::count_if(items.begin(), items.end(), matches));
    auto const found = std::find_if(items.begin(), items.end(), matches);
    if (found == items.end()) refuse(".index() of what is not in the list");
    return static_cast<std::int64_t>(found - items.begin());
}

}  // namespace

Value call_method(Value const& self, std::string_view name, Arguments const& arguments) {
    spend(1);
    if (Loop* loop = self.object_as<Loop>(Object::loop)) {
        if (!arguments.named.empty()) refuse(fmt::format("loop.{}() with a named argument", name));
        return name == "cycle" ? loop->cycle(arguments.values) : Value(loop->changed(arguments.values));
    }
    if (Cycler* cycler = self.object_as<Cycler>(Object::cycler)) {
        Bound const none(name, arguments, {});
        if (name == "reset") {
            cycler->at = 0;
            return None{};
        }
        Value const out = cycler->items[cycler->at];
        cycler->at = (cycler->at + 1) % cycler->items.size();
        return out;
    }
    if (self.text()) return text_method(*self.text(), name, arguments);
    if (self.dict()) return dictionary_method(self, name, arguments);
    if (self.sequence()) return sequence_method(self, name, arguments);
    unsupported(self, name);
}

}  // namespace gatesweep::jinja
