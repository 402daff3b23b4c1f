// 'a%s' % x and 'a{}'.format(x).
#include "format.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "gatesweep/base/error.h"
#include "one_of.h"
#include "repr.h"
#include "text.h"

namespace gatesweep::jinja {
namespace {

constexpr std::int64_t max_width = 1000;

Text ours(std::string_view text) {
    return Text(text, Text::by_template);
}

std::int64_t digits(std::string_view text, std::size_t& at) {
    std::int64_t out = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
        if ((out = out * 10 + (text[at] - '0')) > max_width) refuse("a format that is too wide");
    return out;
}

Text cut(Text const& text, std::int64_t precision) {
    if (precision < 0) return text;
    return slice(text, 0, std::min(precision, character_count(text.bytes)), 1);
}

// A number by a format of digits, sign and kind alone, which the fmt library reads as Python does.
std::string number_text(std::string const& spec, Value const& value) {
    try {
        if (value.whole()) return fmt::format(fmt::runtime("{:" + spec + "}"), *value.whole());
        return fmt::format(fmt::runtime("{:" + spec + "}"), *value.real());
    } catch (fmt::format_error const&) {
        refuse(fmt::format("the number format \"{}\" is not supported", printable(spec)));
    }
}

class Percent {
public:
    Percent(Text const& pattern, Value const& arguments) : pattern_(pattern), arguments_(arguments) {
        bool const tuple = arguments.sequence(Flavour::tuple) || arguments.sequence(Flavour::group);
        values_ = tuple ? arguments.sequence()->items : List{arguments};
    }

    Text run() {
        std::string const& bytes = pattern_.bytes;
        Text out;
        for (at_ = 0; at_ < bytes.size();) {
            std::size_t const sign = std::min(bytes.find('%', at_), bytes.size());
            append(out, pattern_.substr(at_, sign - at_));
            at_ = sign + 1;
            if (sign < bytes.size()) append(out, directive());
        }
        bool const tuple = arguments_.sequence(Flavour::tuple) || arguments_.sequence(Flavour::group);
        bool const free = arguments_.dict() || arguments_.sequence(Flavour::list);  // Python lets these be left over
        if (used_ < values_.size() && !(free && used_ == 0 && !tuple)) refuse("not all values are formatted");
        return out;
    }

private:
    char here() const {
        if (at_ >= pattern_.bytes.size()) refuse("a format ends too early");
        return pattern_.bytes[at_];
    }

    Value value() {
        if (key_) {
            Dictionary const* dict = arguments_.dict();
            Value const* found = dict ? find(dict->items, *key_) : nullptr;
            if (!found) refuse(fmt::format("no value for \"{}\" in a format", printable(*key_)));
            return *found;
        }
        if (used_ >= values_.size()) refuse("too few values for a format");
        return values_[used_++];
    }

    Text directive() {
        key_.reset();
        if (here() == '(') {
            std::size_t const end = pattern_.bytes.find(')', at_);
            if (end == std::string::npos) refuse("a format ends too early");
            key_ = pattern_.bytes.substr(at_ + 1, end - at_ - 1);
            at_ = end + 1;
        }
        std::string flags;
        while (std::string_view("-+ 0#").find(here()) != std::string_view::npos)
            flags += here(), ++at_;
        std::int64_t const width = digits(pattern_.bytes, at_);
        std::int64_t precision = -1;
        if (here() == '.') precision = digits(pattern_.bytes, ++at_);
        char const kind = here();
        ++at_;
        if (kind == '%' && flags.empty() && width == 0) return ours("%");
        bool const left = flags.find('-') != std::string::npos;
        Side const side = left ? Side::left : Side::right;
        if (kind == 's' || kind == 'r') {
            Text const text = kind == 's' ? to_text(value()) : python_repr(value());
            return pad(cut(text, precision), width, ours(" "), side);
        }
        return number(kind, flags, width, precision, side);
    }

    Text number(char kind, std::string const& flags, std::int64_t width, std::int64_t precision, Side side) {
        auto const given = [&](char flag) { return flags.find(flag) != std::string::npos; };
        Value const one = value();
        std::int64_t whole = 0;
        double real = 0;
        std::string spec = given('+') ? "+" : given(' ') ? " " : "";
        if (given('0') && side == Side::right) spec += fmt::format("0{}", width == 0 ? "" : std::to_string(width));
        bool is_whole = whole_of(one, whole);
        if (std::string_view("di").find(kind) != std::string_view::npos && one.real()) {
            if (std::abs(*one.real()) > 0x1p62) refuse("a number that is too large");
            whole = static_cast<std::int64_t>(*one.real());
            is_whole = true;
        }
        if (std::string_view("dixXo").find(kind) != std::string_view::npos && is_whole && precision < 0 &&
            !given('#')) {
            spec += kind == 'i' ? 'd' : kind;
            return pad(ours(number_text(spec, whole)), width, ours(" "), side);
        }
        if (std::string_view("fFeEgG").find(kind) == std::string_view::npos || !real_of(one, real) || given('#'))
            refuse(fmt::format("%{} of {} is not supported", kind, type_name(one)));
        spec += fmt::format(".{}{}", precision < 0 ? 6 : precision, kind);
        return pad(ours(number_text(spec, real)), width, ours(" "), side);
    }

    Text const& pattern_;
    Value const& arguments_;
    List values_;
    std::size_t used_ = 0;
    std::size_t at_ = 0;
    std::optional<std::string> key_;
};

// [[fill]align][0][width][.precision][kind] of a text, and what fmt knows too of a number.
Text with_spec(Value const& value, std::string const& spec) {
    if (spec.empty()) return to_text(value);
    Text const* text = value.text();
    if (!text) {
        bool const plain = spec.find_first_not_of("+-<>^ 0123456789.dxXoeEfFgG") == std::string::npos;
        std::size_t at = spec.find_first_of("123456789");
        if (at != std::string::npos) digits(spec, at);
        bool const kind = value.whole() || (value.real() && spec.find_last_of("eEfFgG") == spec.size() - 1);
        if (plain && kind) return ours(number_text(spec, value));
        refuse(fmt::format("the format \"{}\" of {} is not supported", printable(spec), type_name(value)));
    }
    std::size_t at = 0;
    char side = '<', fill = ' ';
    auto const aligns = [&](std::size_t i) { return i < spec.size() && std::string_view("<>^").find(spec[i]) < 3; };
    if (aligns(1))
        fill = spec[0], side = spec[1], at = 2;
    else if (aligns(0))
        side = spec[0], at = 1;
    if (at < spec.size() && spec[at] == '0') refuse("a text format with zeros is not supported");
    std::int64_t const width = digits(spec, at);
    std::int64_t precision = -1;
    if (at < spec.size() && spec[at] == '.') precision = digits(spec, ++at);
    if (at < spec.size() && spec[at] == 's') ++at;
    if (at != spec.size() || static_cast<unsigned char>(fill) >= 0x80) refuse("a text format that is not supported");
    Text const body = cut(*text, precision);
    Text const filler = ours(std::string(1, fill));
    if (side != '^') return pad(body, width, filler, side == '<' ? Side::left : Side::right);
    std::int64_t const missing = std::max<std::int64_t>(0, width - character_count(body.bytes));
    Text out = repeat(filler, missing / 2);  // unlike center(), the greater half stands at the right
    append(out, body);
    append(out, repeat(filler, missing - missing / 2));
    return out;
}

}  // namespace

Text percent_format(Text const& pattern, Value const& arguments) {
    return Percent(pattern, arguments).run();
}

Text brace_format(Text const& pattern, Arguments const& arguments) {
    std::string const& bytes = pattern.bytes;
    Text out;
    std::size_t next = 0;
    bool counted = false, numbered = false;
    for (std::size_t at = 0; at < bytes.size();) {
        std::size_t const brace = std::min(bytes.find_first_of("{}", at), bytes.size());
        append(out, pattern.substr(at, brace - at));
        if (brace == bytes.size()) break;
        if (brace + 1 < bytes.size() && bytes[brace + 1] == bytes[brace]) {
            append(out, pattern.substr(brace, 1));
            at = brace + 2;
            continue;
        }
        std::size_t const end = bytes.find_first_of("{}", brace + 1);
        if (bytes[brace] == '}' || end == std::string::npos || bytes[end] != '}')
            refuse("braces of a format that do not match, or are nested");
        std::string const field = bytes.substr(brace + 1, end - brace - 1);
        at = end + 1;
        std::size_t const colon = std::min(field.find(':'), field.size());
        std::string name = field.substr(0, colon);
        std::string const spec = colon < field.size() ? field.substr(colon + 1) : "";
        bool const as_repr = name.ends_with("!r"), as_text = name.ends_with("!s");
        if (as_repr || as_text) name.resize(name.size() - 2);
        if (name.find_first_of(".[!") != std::string::npos) refuse("a format that looks inside a value");
        bool const number = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
        (name.empty() ? counted : numbered) |= name.empty() || number;
        if (counted && numbered) refuse("a format with and without numbers");
        Value const* found = nullptr;
        if (name.empty() || number) {
            std::size_t index = next;
            if (number) std::from_chars(name.data(), name.data() + name.size(), index);
            if (name.empty()) ++next;
            found = index < arguments.values.size() ? &arguments.values[index] : nullptr;
        } else {
            found = arguments.find_named(name);
        }
        if (!found) refuse(fmt::format("no value for \"{{{}}}\" in a format", printable(field)));
        append(out, with_spec(as_repr ? Value(python_repr(*found)) : as_text ? Value(to_text(*found)) : *found, spec));
    }
    return out;
}

}  // namespace gatesweep::jinja
