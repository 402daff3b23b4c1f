// What stands behind "is".
#include "tests.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "filters.h"
#include "gatesweep/base/error.h"
#include "letters.h"
#include "one_of.h"
#include "operators.h"
#include "repr.h"
#include "text.h"

namespace gatesweep::jinja {
namespace {

std::string_view comparison_of(std::string_view name) {
    static constexpr std::pair<std::string_view, std::string_view> words[] = {
        {"eq", "=="},      {"equalto", "=="}, {"==", "=="}, {"ne", "!="},         {"!=", "!="}, {"lt", "<"},
        {"lessthan", "<"}, {"<", "<"},        {"gt", ">"},  {"greaterthan", ">"}, {">", ">"},   {"ge", ">="},
        {">=", ">="},      {"le", "<="},      {"<=", "<="}, {"in", "in"}};
    for (auto const& [word, symbol] : words)
        if (word == name) return symbol;
    return "";
}

constexpr std::string_view kinds[] = {"defined", "undefined", "none",  "string",   "mapping", "sequence", "iterable",
                                      "number",  "integer",   "float", "boolean",  "true",    "false",    "odd",
                                      "even",    "lower",     "upper", "callable", "filter",  "test",     "escaped"};

// Cased, and no letter of the other case.
bool is_case(Text const& text, bool wants_upper) {
    bool cased = false;
    for (Character const& c : characters(text.bytes)) {
        if (!is_cased(c.code)) continue;
        if ((wants_upper ? to_upper(c.code) : to_lower(c.code)) != c.code) return false;
        cased = true;
    }
    return cased;
}

bool is_sequence(Value const& self) {
    Sequence const* sequence = self.sequence();
    if (!sequence) return self.text() || self.markup() || self.dict() || self.undefined();
    return is_one_of(type_name(self), {"a list", "a tuple", "a range", "a group"});
}

bool is_iterable(Value const& self) {
    if (self.object_as<Object>(Object::loop)) return true;
    if (self.object_as<Object>(Object::cycler)) return true;
    return self.sequence() || self.text() || self.markup() || self.dict() || self.undefined();
}

bool is_callable(Value const& self) {
    if (Object const* object = self.object()) return object->kind != Object::space && object->kind != Object::cycler;
    return self.undefined();  // it would raise, but Python can call it
}

bool is_divisible(Value const& self, Value const& by) {
    Value const rest = binary("%", self, by);
    if (rest.text()) refuse("\"divisibleby\" of a text");
    return equal(rest, std::int64_t{0});
}

bool knows(bool (*what)(std::string_view), Value const& self) {
    if (!self.text()) refuse(fmt::format("{} as a name", type_name(self)));
    std::string const& name = self.text()->bytes;
    return what(name);
}

}  // namespace

bool is_test(std::string_view name) {
    return is_in(kinds, name) || !comparison_of(name).empty() || is_one_of(name, {"divisibleby", "sameas"});
}

bool apply_test(std::string_view name, Value const& self, Arguments const& arguments) {
    spend(1);
    if (!is_test(name)) refuse(fmt::format("the test \"is {}\" is not supported", printable(name)));
    if (!is_in(kinds, name)) {
        Bound const bound(name, arguments, {"other"}, 1);
        if (name == "divisibleby") return is_divisible(self, bound.value(0));
        if (name == "sameas") return same(self, bound.value(0));
        return holds(comparison_of(name), self, bound.value(0));
    }
    Bound const none(name, arguments, {});
    if (name == "defined") return !self.undefined();
    if (name == "undefined") return self.undefined();
    if (name == "none") return self.none();
    if (name == "string") return self.text() || self.markup();
    if (name == "mapping") return self.dict() != nullptr;
    if (name == "sequence") return is_sequence(self);
    if (name == "iterable") return is_iterable(self);
    if (name == "number") return self.whole() || self.flag() || self.real();
    if (name == "integer") return self.whole() != nullptr;
    if (name == "float") return self.real() != nullptr;
    if (name == "boolean") return self.flag() != nullptr;
    if (name == "true") return self.flag() && *self.flag();
    if (name == "false") return self.flag() && !*self.flag();
    if (name == "callable") return is_callable(self);
    if (name == "escaped") return self.markup() != nullptr;
    if (name == "filter") return knows(is_filter, self);
    if (name == "test") return knows(is_test, self);
    if (name == "lower" || name == "upper") return is_case(to_text(self), name == "upper");
    Value const rest = binary("%", self, std::int64_t{2});
    if (rest.text()) refuse(fmt::format("\"is {}\" of a text", name));
    return equal(rest, std::int64_t{name == "odd"});
}

}  // namespace gatesweep::jinja
