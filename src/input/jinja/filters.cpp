#include "filters.h"

#include <fmt/format.h>

#include "gatesweep/base/error.h"
#include "json.h"
#include "letters.h"
#include "one_of.h"
#include "text.h"

namespace gatesweep::jinja {
namespace {

// Filters that Python's jinja2 has and this engine refuses where they are applied.
bool is_refused_filter(std::string_view name) {
    return is_one_of(name, {"forceescape", "attr", "filesizeformat", "pprint", "random", "striptags", "urlencode",
                            "urlize", "wordwrap", "xmlattr"});
}

constexpr std::string_view filters[] = {
    "abs",     "batch",   "capitalize", "center", "count",    "d",          "default", "dictsort", "e",
    "escape",  "first",   "float",      "format", "groupby",  "indent",     "int",     "items",    "join",
    "last",    "length",  "list",       "lower",  "map",      "max",        "min",     "reject",   "rejectattr",
    "replace", "reverse", "round",      "safe",   "select",   "selectattr", "slice",   "sort",     "string",
    "sum",     "title",   "tojson",     "trim",   "truncate", "unique",     "upper",   "wordcount"};

std::int64_t length(Value const& self) {
    if (Sequence const* sequence = self.sequence()) {
        if (sequence->flavour == Flavour::stream) refuse("length of a stream (make it a list first)");
        return static_cast<std::int64_t>(sequence->items.size());
    }
    if (Dictionary const* dict = self.dict()) return static_cast<std::int64_t>(dict->items.size());
    if (Text const* text = self.text() ? self.text() : self.markup()) return character_count(text->bytes);
    if (self.undefined()) return 0;
    refuse(fmt::format("length of {}", type_name(self)));
}

}  // namespace

bool is_filter(std::string_view name) {
    return is_in(filters, name) || is_refused_filter(name);
}

Value apply_filter(std::string_view name, Value const& self, Arguments const& arguments) {
    spend(1);
    if (!is_filter(name) || is_refused_filter(name))
        refuse(fmt::format("the filter \"{}\" is not supported", printable(name)));
    if (name == "default" || name == "d") {
        Bound const bound(name, arguments, {"default_value", "boolean"});
        bool const replaced = self.undefined() || (bound.flag(1) && !truth(self));
        return replaced ? bound.value_or(0, Text()) : self;
    }
    if (name == "length" || name == "count") {
        Bound const none(name, arguments, {});
        return length(self);
    }
    if (name == "tojson") return to_json(self, arguments);
    if (self.markup() && !is_one_of(name, {"string", "safe", "trim", "escape", "e"}))
        refuse(fmt::format("\"{}\" of a text that went through \"safe\" is not supported", name));
    for (auto const family : {text_filter, list_filter, order_filter, number_filter}) {
        if (auto const out = family(name, self, arguments)) return *out;
    }
    refuse(fmt::format("the filter \"{}\" is not supported", printable(name)));
}

}  // namespace gatesweep::jinja
