// Filters that take things apart: of lists, tuples, dictionaries, and the streams that other filters give.
#include "filters.h"

#include <fmt/format.h>

#include <algorithm>

#include "attributes.h"
#include "methods.h"
#include "one_of.h"
#include "operators.h"
#include "tests.h"
#include "text.h"

namespace gatesweep::jinja {
namespace {

Value stream(List items) {
    return make_sequence(Flavour::stream, std::move(items));
}

Arguments without_first(Arguments const& arguments, std::size_t count) {
    Arguments out = arguments;
    auto const end = out.values.begin() + static_cast<std::ptrdiff_t>(std::min(count, out.values.size()));
    out.values.erase(out.values.begin(), end);
    return out;
}

std::string name_in(Arguments const& arguments, std::size_t i, std::string_view filter) {
    if (!arguments.values[i].text()) refuse(fmt::format("\"{}\" by {}", filter, type_name(arguments.values[i])));
    return arguments.values[i].text()->bytes;
}

Value mapped(Value const& self, Arguments const& arguments) {
    List out;
    if (!truth(self)) return stream(out);
    Value const* path = arguments.values.empty() ? arguments.find_named("attribute") : nullptr;
    if (path) {
        Bound const known("map", arguments, {"attribute", "default"});
        Value const* fallback = arguments.find_named("default");
        for (Value const& one : iterate(self))
            out.push_back(by_path(one, *path, fallback));
        return stream(std::move(out));
    }
    if (arguments.values.empty()) refuse("\"map\" without a filter or an attribute");
    std::string const filter = name_in(arguments, 0, "map");
    Arguments const more = without_first(arguments, 1);
    for (Value const& one : iterate(self))
        out.push_back(apply_filter(filter, one, more));
    return stream(std::move(out));
}

// select, reject: what passes a test; selectattr, rejectattr: whose attribute does.
Value selected(std::string_view name, Value const& self, Arguments const& arguments) {
    List out;
    if (!truth(self)) return stream(out);
    bool const by_attribute = name.ends_with("attr");
    std::size_t const at = by_attribute ? 1 : 0;
    if (arguments.values.size() < at) refuse(fmt::format("\"{}\" without an attribute", name));
    bool const tests = arguments.values.size() > at;
    std::string const test = tests ? name_in(arguments, at, name) : "";
    if (!tests && !arguments.named.empty()) refuse(fmt::format("\"{}\" without a test", name));
    Arguments const more = without_first(arguments, at + 1);
    for (Value const& one : iterate(self)) {
        Value const looked_at = by_attribute ? by_path(one, arguments.values[0]) : one;
        bool const passes = tests ? apply_test(test, looked_at, more) : truth(looked_at);
        if (passes == name.starts_with("select")) out.push_back(one);
    }
    return stream(std::move(out));
}

Value batched(Value const& self, Arguments const& arguments) {
    Bound const bound("batch", arguments, {"linecount", "fill_with"}, 1);
    std::int64_t const size = bound.whole(0);
    if (size < 1) refuse("\"batch\" of less than one");
    List out, line;
    auto const flush = [&] { out.push_back(make_list(std::exchange(line, {}))); };
    for (Value const& one : iterate(self)) {
        if (static_cast<std::int64_t>(line.size()) == size) flush();
        line.push_back(one);
    }
    if (line.empty()) return stream(std::move(out));
    bool const fills = bound.has(1) && !bound.value(1).none();
    while (fills && static_cast<std::int64_t>(line.size()) < size) {
        spend(1);
        line.push_back(bound.value(1));
    }
    flush();
    return stream(std::move(out));
}

Value sliced(Value const& self, Arguments const& arguments) {
    Bound const bound("slice", arguments, {"slices", "fill_with"}, 1);
    List const items = iterate(self);
    auto const count = static_cast<std::int64_t>(items.size()), slices = bound.whole(0);
    if (slices < 1) refuse("\"slice\" into less than one");
    bool const fills = bound.has(1) && !bound.value(1).none();
    List out;
    auto at = items.begin();
    for (std::int64_t i = 0; i < slices; ++i) {
        spend(1);
        bool const longer = i < count % slices;
        auto const end = at + (count / slices + (longer ? 1 : 0));
        List part(at, end);
        if (fills && !longer) part.push_back(bound.value(1));
        out.push_back(make_list(std::move(part)));
        at = end;
    }
    return stream(std::move(out));
}

Value reversed(Value const& self) {
    if (Text const* text = self.text()) {
        std::int64_t const size = character_count(text->bytes);
        return slice(*text, size - 1, -1, -1);
    }
    List items = iterate(self);
    std::reverse(items.begin(), items.end());
    bool const was_stream = self.sequence(Flavour::stream);
    return was_stream ? make_list(std::move(items)) : stream(std::move(items));
}

}  // namespace

std::optional<Value> list_filter(std::string_view name, Value const& self, Arguments const& arguments) {
    if (name == "map") return mapped(self, arguments);
    if (is_one_of(name, {"select", "reject", "selectattr", "rejectattr"})) return selected(name, self, arguments);
    if (name == "batch") return batched(self, arguments);
    if (name == "slice") return sliced(self, arguments);
    if (!is_one_of(name, {"list", "first", "last", "reverse", "items"})) return std::nullopt;
    Bound const none(name, arguments, {});
    if (name == "reverse") return reversed(self);
    if (name == "items") {
        if (!self.undefined() && !self.dict()) refuse(fmt::format("\"items\" of {}", type_name(self)));
        List out;
        if (self.dict()) out = iterate(call_method(self, "items", {}));
        return stream(std::move(out));
    }
    if (name == "first") {
        if (Sequence* sequence = self.sequence(); sequence && !sequence->items.empty()) {
            Value const out = sequence->items.front();
            if (sequence->flavour == Flavour::stream) sequence->items.erase(sequence->items.begin());
            return out;
        }
    }
    if (name == "last" && self.sequence(Flavour::stream)) refuse("\"last\" of a stream (make it a list first)");
    List items = iterate(self);
    if (name == "list") return make_list(std::move(items));
    if (items.empty()) return Undefined{std::string(name)};
    return name == "first" ? items.front() : items.back();
}

}  // namespace gatesweep::jinja
