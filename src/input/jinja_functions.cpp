#include <algorithm>

#include "gatesweep/base/error.h"
#include "gatesweep/base/utf8.h"
#include "jinja_ast.h"

namespace gatesweep::jinja {
namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

[[noreturn]] void unsuited(std::string_view name, Value const& self) {
    fail(ExitCode::bad_data, "\"{}\" of {}", name, type_name(self));
}

// What Python's str.strip() takes away.
bool is_space(char32_t c) {
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool continues(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// The character that begins at `at`, for the three lengths that white space can have.
char32_t character(std::string_view text, std::size_t at) {
    auto const byte = [&](std::size_t i) {
        return static_cast<char32_t>(at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0);
    };
    if (byte(0) < 0x80) return byte(0);
    if (byte(0) < 0xE0) return ((byte(0) & 0x1F) << 6) | (byte(1) & 0x3F);
    if (byte(0) < 0xF0) return ((byte(0) & 0x0F) << 12) | ((byte(1) & 0x3F) << 6) | (byte(2) & 0x3F);
    return 0x10000;
}

Text strip(Text const& text, bool left, bool right) {
    std::string_view const bytes = text.bytes;
    std::size_t begin = 0, end = bytes.size();
    while (left && begin < end && is_space(character(bytes, begin))) {
        do
            ++begin;
        while (begin < end && continues(bytes[begin]));
    }
    while (right && end > begin) {
        std::size_t last = end - 1;
        while (last > begin && continues(bytes[last]))
            --last;
        if (!is_space(character(bytes, last))) break;
        end = last;
    }
    return text.substr(begin, end - begin);
}

std::int64_t length(Value const& self) {
    if (auto const* list = self.list()) return static_cast<std::int64_t>(list->size());
    if (auto const* dict = self.dict()) return static_cast<std::int64_t>(dict->size());
    if (auto const* text = self.text()) {
        return std::count_if(text->bytes.begin(), text->bytes.end(), [](char c) { return !continues(c); });
    }
    if (self.undefined()) return 0;
    unsuited("length", self);
}

Value items(Dict const& dict) {
    List out;
    for (auto const& [key, value] : dict)
        out.push_back(make_list({Text(key, Text::by_template), value}));
    return make_list(std::move(out));
}

void write_json(Value const& value, Text& out) {
    auto const put = [&](std::string_view text) { out += Text(text, Text::by_template); };
    if (auto const* text = value.text()) {
        put("\"");
        for (std::size_t i = 0; i < text->bytes.size(); ++i) {
            auto const byte = static_cast<unsigned char>(text->bytes[i]);
            auto const plain = std::string_view("\"\\\n\r\t\b\f").find(text->bytes[i]);
            if (plain != std::string_view::npos)
                put(std::string("\\") + "\"\\nrtbf"[plain]);
            else if (byte < 0x20)
                put(fmt::format("\\u{:04x}", byte));
            else
                out += text->substr(i, 1);
        }
        put("\"");
    } else if (auto const* list = value.list()) {
        for (std::size_t i = 0; i < list->size(); ++i)
            put(i == 0 ? "[" : ", "), write_json((*list)[i], out);
        put(list->empty() ? "[]" : "]");
    } else if (auto const* dict = value.dict()) {
        for (std::size_t i = 0; i < dict->size(); ++i) {
            put(i == 0 ? "{" : ", ");
            write_json(Text((*dict)[i].first, Text::by_template), out);
            put(": ");
            write_json((*dict)[i].second, out);
        }
        put(dict->empty() ? "{}" : "}");
    } else if (value.none()) {
        put("null");
    } else if (auto const* flag = value.flag()) {
        put(*flag ? "true" : "false");
    } else if (auto const* whole = value.whole()) {
        put(std::to_string(*whole));
    } else {
        unsuited("tojson", value);
    }
}

// selectattr("role", "equalto", "user"): the dictionaries of a list whose attribute passes a test.
Value select_by_attribute(std::string_view name, Value const& self, std::vector<Value> const& arguments) {
    if (!self.list() || arguments.empty() || !arguments[0].text()) unsuited(name, self);
    std::string const test = arguments.size() > 1 && arguments[1].text() ? arguments[1].text()->bytes : "true value";
    if (arguments.size() > 1 && !is_test(test))
        fail(ExitCode::bad_data, "the test \"is {}\" is not supported", printable(test));
    std::vector<Value> const more(
        arguments.begin() + std::min<std::ptrdiff_t>(2, static_cast<std::ptrdiff_t>(arguments.size())),
        arguments.end());
    List out;
    for (auto const& entry : *self.list()) {
        Value const* found = entry.dict() ? find(*entry.dict(), arguments[0].text()->bytes) : nullptr;
        Value const value = found ? *found : Value(Undefined{arguments[0].text()->bytes});
        bool const passes = arguments.size() > 1 ? apply_test(test, value, more) : truth(value);
        if (passes == (name == "selectattr")) out.push_back(entry);
    }
    return make_list(std::move(out));
}

}  // namespace

bool is_function(std::string_view name) {
    return is_one_of(name, {"raise_exception", "namespace"});
}

bool is_method(std::string_view name) {
    return is_one_of(name, {"strip", "lstrip", "rstrip", "startswith", "endswith", "items", "keys", "get"});
}

bool is_filter(std::string_view name) {
    return is_one_of(name, {"trim", "length", "count", "list", "first", "last", "string", "default", "d", "tojson",
                            "selectattr", "rejectattr"});
}

bool is_test(std::string_view name) {
    return is_one_of(name, {"defined", "undefined", "none", "string", "mapping", "sequence", "iterable", "number",
                            "integer", "boolean", "true", "false", "equalto", "eq", "ne", "odd", "even"});
}

Value apply_method(std::string_view name, Value const& self, std::vector<Value> const& arguments) {
    auto const* text = self.text();
    auto const* dict = self.dict();
    bool const strips = is_one_of(name, {"strip", "lstrip", "rstrip"});
    if (text && strips && arguments.empty()) return strip(*text, name != "rstrip", name != "lstrip");
    if (text && !strips && arguments.size() == 1 && arguments[0].text()) {
        std::string const& other = arguments[0].text()->bytes;
        if (name == "startswith") return text->bytes.starts_with(other);
        if (name == "endswith") return text->bytes.ends_with(other);
    }
    if (dict && name == "items") return items(*dict);
    if (dict && name == "keys") {
        List out;
        for (auto const& item : *dict)
            out.push_back(Text(item.first, Text::by_template));
        return make_list(std::move(out));
    }
    if (dict && name == "get" && !arguments.empty() && arguments[0].text()) {
        if (auto const* found = find(*dict, arguments[0].text()->bytes)) return *found;
        return arguments.size() > 1 ? arguments[1] : Value(None{});
    }
    unsuited(name, self);
}

Value apply_filter(std::string_view name, Value const& self, std::vector<Value> const& arguments) {
    if (name == "selectattr" || name == "rejectattr") return select_by_attribute(name, self, arguments);
    if (name == "default" || name == "d") {
        bool const also_false = arguments.size() > 1 && truth(arguments[1]);
        bool const replace = self.undefined() || (also_false && !truth(self));
        return !replace ? self : arguments.empty() ? Value(Text()) : arguments[0];
    }
    if (!arguments.empty()) fail(ExitCode::bad_data, "arguments of the filter \"{}\" are not supported", name);
    if (name == "trim") return strip(to_text(self), true, true);
    if (name == "length" || name == "count") return length(self);
    if (name == "string") return to_text(self);
    if (name == "tojson") {
        Text out;
        write_json(self, out);
        return out;
    }
    auto const* list = self.list();
    if (!list) unsuited(name, self);
    if (name == "list") return make_list(*list);
    if (list->empty()) return Undefined{std::string(name)};
    return name == "first" ? list->front() : list->back();
}

bool apply_test(std::string_view name, Value const& self, std::vector<Value> const& arguments) {
    if (name == "equalto" || name == "eq" || name == "ne") {
        if (arguments.size() != 1) fail(ExitCode::bad_data, "the test \"is {}\" needs one argument", name);
        return equal(self, arguments[0]) == (name != "ne");
    }
    if (!arguments.empty()) fail(ExitCode::bad_data, "arguments of the test \"is {}\" are not supported", name);
    if (name == "defined") return !self.undefined();
    if (name == "undefined") return self.undefined();
    if (name == "none") return self.none();
    if (name == "string") return self.text() != nullptr;
    if (name == "mapping") return self.dict() != nullptr;
    if (name == "sequence" || name == "iterable") return self.list() || self.dict() || self.text();
    if (name == "integer") return self.whole() != nullptr;
    if (name == "number") return self.whole() || self.flag();
    if (name == "boolean") return self.flag() != nullptr;
    if (name == "true") return self.flag() && *self.flag() == 1;
    if (name == "false") return self.flag() && *self.flag() == 0;
    if (!self.whole()) unsuited(name, self);
    return (*self.whole() % 2 == 0) == (name == "even");
}

}  // namespace gatesweep::jinja
