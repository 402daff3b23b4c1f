// How Python prints values.
#include "repr.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "letters.h"
#include "text.h"
#include "value.h"

namespace gatesweep::jinja {
namespace {

void put(Text& out, std::string_view text) {
    append(out, Text(text, Text::by_template));
}

void write_text(Text& out, Text const& text) {
    bool const has_single = text.bytes.find('\'') != std::string::npos;
    char const quote = has_single && text.bytes.find('"') == std::string::npos ? '"' : '\'';
    put(out, std::string(1, quote));
    for (auto const& [code, at, size] : characters(text.bytes)) {
        auto const c = static_cast<unsigned>(code);
        if (c == static_cast<unsigned>(quote) || c == '\\') {
            put(out, "\\");
            out += text.substr(at, size);
        } else if (c == '\n' || c == '\r' || c == '\t') {
            put(out, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
        } else if (is_printable(code)) {
            out += text.substr(at, size);
        } else {
            put(out, c < 0x100     ? fmt::format("\\x{:02x}", c)
                     : c < 0x10000 ? fmt::format("\\u{:04x}", c)
                                   : fmt::format("\\U{:08x}", c));
        }
    }
    put(out, std::string(1, quote));
}

void write(Text& out, Value const& value);

void write_items(Text& out, std::string_view open, List const& items, std::string_view close) {
    put(out, open);
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) put(out, ", ");
        write(out, items[i]);
    }
    put(out, close);
}

void write_sequence(Text& out, Sequence const& sequence) {
    List const& items = sequence.items;
    switch (sequence.flavour) {
        case Flavour::list:
            return write_items(out, "[", items, "]");
        case Flavour::tuple:
        case Flavour::group:
            return write_items(out, "(", items, items.size() == 1 ? ",)" : ")");
        case Flavour::keys:
            return write_items(out, "dict_keys([", items, "])");
        case Flavour::values:
            return write_items(out, "dict_values([", items, "])");
        case Flavour::items:
            return write_items(out, "dict_items([", items, "])");
        case Flavour::range:  // its bounds are not kept
        case Flavour::stream:
            break;
    }
    refuse(fmt::format("{} is printed", type_name(std::make_shared<Sequence>(sequence))));
}

void write(Text& out, Value const& value) {
    spend(1);
    if (Text const* text = value.text()) return write_text(out, *text);
    if (value.undefined()) return put(out, "Undefined");
    if (Sequence const* sequence = value.sequence()) return write_sequence(out, *sequence);
    if (Dictionary const* dict = value.dict()) {
        put(out, "{");
        for (std::size_t i = 0; i < dict->items.size(); ++i) {
            if (i > 0) put(out, ", ");
            write(out, dict->items[i].first);
            put(out, ": ");
            write(out, dict->items[i].second);
        }
        return put(out, "}");
    }
    if (value.object() || value.markup()) refuse(fmt::format("{} is printed", type_name(value)));
    append(out, to_text(value));
}

}  // namespace

// The shortest digits that read back as the same number, laid out as Python does.
std::string real_repr(double value) {
    char buffer[64];
    auto const [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
    std::string_view const text(buffer, static_cast<std::size_t>(end - buffer));
    std::size_t const e = text.find('e');
    int exponent = 0;
    std::string_view const power = text.substr(e + 1 + (text[e + 1] == '+' ? 1 : 0));
    std::from_chars(power.data(), power.data() + power.size(), exponent);
    std::string digits;
    for (char c : text.substr(0, e))
        if (c >= '0' && c <= '9') digits += c;
    std::string const sign = std::signbit(value) ? "-" : "";
    auto const count = static_cast<int>(digits.size());
    if (exponent < -4 || exponent >= 16) {
        return fmt::format("{}{}{}{}e{}{:02}", sign, digits[0], count > 1 ? "." : "", digits.substr(1),
                           exponent < 0 ? "-" : "+", std::abs(exponent));
    }
    if (exponent < 0)
        return fmt::format("{}0.{}{}", sign, std::string(static_cast<std::size_t>(-exponent - 1), '0'), digits);
    if (count <= exponent + 1)
        return sign + digits + std::string(static_cast<std::size_t>(exponent + 1 - count), '0') + ".0";
    auto const point = static_cast<std::size_t>(exponent + 1);
    return sign + digits.substr(0, point) + "." + digits.substr(point);
}

Text python_repr(Value const& value) {
    Text out;
    write(out, value);
    return out;
}

Text to_text(Value const& value) {
    auto const ours = [](std::string_view text) { return Text(text, Text::by_template); };
    if (Text const* text = value.text()) return *text;
    if (Text const* text = value.markup()) return *text;
    if (value.undefined()) return {};
    if (value.none()) return ours("None");
    if (bool const* flag = value.flag()) return ours(*flag ? "True" : "False");
    if (auto const* whole = value.whole()) return ours(std::to_string(*whole));
    if (auto const* real = value.real()) return ours(real_repr(*real));
    return python_repr(value);
}

}  // namespace gatesweep::jinja
