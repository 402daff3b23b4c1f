// self.name and self[key]: a dot looks for Python's methods first and then for the key, brackets the other way round.
#include "attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "gatesweep/base/error.h"
#include "letters.h"
#include "loop.h"
#include "objects.h"
#include "one_of.h"
#include "operators.h"
#include "text.h"

namespace gatesweep::jinja {
namespace {

constexpr std::string_view text_methods[] = {
    "capitalize", "casefold",   "center",       "count",        "encode",    "endswith", "expandtabs",   "find",
    "format",     "format_map", "index",        "isalnum",      "isalpha",   "isascii",  "isdecimal",    "isdigit",
    "islower",    "isnumeric",  "isidentifier", "isprintable",  "isspace",   "istitle",  "isupper",      "join",
    "ljust",      "lower",      "lstrip",       "maketrans",    "partition", "replace",  "removeprefix", "rfind",
    "rindex",     "rjust",      "rpartition",   "removesuffix", "rsplit",    "rstrip",   "split",        "splitlines",
    "startswith", "strip",      "swapcase",     "title",        "translate", "upper",    "zfill"};

// Python has them, and what they give has no place in a template.
bool is_number_attribute(std::string_view name) {
    return is_one_of(name, {"real", "imag", "numerator", "denominator", "bit_length", "bit_count", "conjugate",
                            "to_bytes", "from_bytes", "as_integer_ratio", "is_integer", "hex", "fromhex"});
}

// Changing methods exist in Python and are hidden by the sandbox.
bool is_changing(Value const& self, std::string_view name) {
    if (self.dict()) return is_one_of(name, {"clear", "pop", "popitem", "setdefault", "update"});
    return self.sequence(Flavour::list) &&
           is_one_of(name, {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"});
}

// Python's attribute, without a look at keys.
std::optional<Value> own_attribute(Value const& self, std::string const& name) {
    if (name.starts_with("__")) {  // hidden by the sandbox where Python has it
        if (self.dict()) refuse(fmt::format("the attribute \"{}\" is not supported", printable(name)));
        return Undefined{name};
    }
    if (is_changing(self, name)) return Undefined{name};
    if (Space* space = self.object_as<Space>(Object::space)) {
        Value const* found = find(space->names, name);
        return found ? std::optional<Value>(*found) : std::nullopt;
    }
    if (Loop* loop = self.object_as<Loop>(Object::loop)) {
        if (name == "cycle" || name == "changed") return make_object(std::make_shared<Function>(self, name));
        return loop->attribute(name);
    }
    if (Cycler* cycler = self.object_as<Cycler>(Object::cycler)) {
        if (name == "current") return cycler->items[cycler->at];
        if (name == "next" || name == "reset") return make_object(std::make_shared<Function>(self, name));
        return std::nullopt;
    }
    if (Sequence const* group = self.sequence(Flavour::group)) {
        if (name == "grouper") return group->items[0];
        if (name == "list") return group->items[1];
    }
    if (has_method(self, name)) return make_object(std::make_shared<Function>(self, name));
    bool const number = self.flag() || self.whole() || self.real();
    if ((number && is_number_attribute(name)) || self.object() || self.markup())
        refuse(fmt::format("\"{}\" of {} is not supported", printable(name), type_name(self)));
    return std::nullopt;
}

std::optional<Value> own_item(Value const& self, Value const& key) {
    if (Dictionary const* dict = self.dict()) {
        if (key.sequence() || key.dict()) {
            bool const tuple = key.sequence(Flavour::tuple) != nullptr;
            if (!tuple) return std::nullopt;  // Python cannot look for it
        }
        Value const* found = find(dict->items, key);
        return found ? std::optional<Value>(*found) : std::nullopt;
    }
    std::int64_t index = 0;
    if (!whole_of(key, index)) return std::nullopt;
    Sequence const* sequence = self.sequence();
    bool const indexed = sequence && is_one_of(type_name(self), {"a list", "a tuple", "a range", "a group"});
    if (!indexed && !self.text()) return std::nullopt;
    std::int64_t const size =
        indexed ? static_cast<std::int64_t>(sequence->items.size()) : character_count(self.text()->bytes);
    if (index < 0) index += size;
    if (index < 0 || index >= size) return std::nullopt;
    if (indexed) return sequence->items[static_cast<std::size_t>(index)];
    return slice(*self.text(), index, index + 1, 1);
}

void check_defined(Value const& self, std::string_view what) {
    if (self.undefined())
        refuse(fmt::format("\"{}\" is undefined, so it has no \"{}\"", printable(self.name()), printable(what)));
}

}  // namespace

bool has_method(Value const& self, std::string_view name) {
    if (self.text()) return is_in(text_methods, name);
    if (self.dict()) return is_one_of(name, {"copy", "fromkeys", "get", "items", "keys", "values"});
    Sequence const* sequence = self.sequence();
    if (!sequence) return false;
    if (sequence->flavour == Flavour::list) return is_one_of(name, {"copy", "count", "index"});
    if (sequence->flavour == Flavour::stream) return is_one_of(name, {"close", "send", "throw"});
    if (sequence->flavour == Flavour::range) return is_one_of(name, {"count", "index", "start", "stop", "step"});
    bool const tuple = sequence->flavour == Flavour::tuple || sequence->flavour == Flavour::group;
    return is_one_of(name, tuple ? std::initializer_list<std::string_view>{"count", "index"}
                                 : std::initializer_list<std::string_view>{"isdisjoint", "mapping"});
}

Value attribute(Value const& self, std::string const& name) {
    check_defined(self, name);
    if (auto const found = own_attribute(self, name)) return *found;
    if (self.dict()) {
        if (auto const found = own_item(self, make_text(name))) return *found;
    }
    return Undefined{name};
}

Value item(Value const& self, Value const& key) {
    check_defined(self, key.text() ? key.text()->bytes : fmt::format("[{}]", type_name(key)));
    if (self.markup()) refuse("a part of a text that went through \"safe\"");
    if (auto const found = own_item(self, key)) return *found;
    if (key.markup()) refuse("a text that went through \"safe\" is a key");
    if (!key.text()) return Undefined{fmt::format("[{}]", type_name(key))};
    std::string const& name = key.text()->bytes;
    bool const hidden = name.starts_with("__") && self.dict();  // no key, and nothing that a template may see
    auto const found = hidden ? std::nullopt : own_attribute(self, name);
    return found ? *found : Value(Undefined{name});
}

Value by_path(Value value, Value const& path, Value const* fallback) {
    List parts;
    if (path.text()) {
        for (Text const& name : split(*path.text(), ".", -1)) {
            std::int64_t index = 0;
            auto const* end = name.bytes.data() + name.bytes.size();
            bool const digits = !name.bytes.empty() && name.bytes.find_first_not_of("0123456789") == std::string::npos;
            bool const whole = digits && std::from_chars(name.bytes.data(), end, index).ec == std::errc();
            parts.push_back(whole ? Value(index) : Value(name));
        }
    } else if (!path.none()) {
        parts.push_back(path);
    }
    for (Value const& name : parts) {
        value = item(value, name);
        if (fallback && !fallback->none() && value.undefined()) value = *fallback;
    }
    return value;
}

}  // namespace gatesweep::jinja
