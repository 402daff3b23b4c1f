#include "filters.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "attributes.h"
#include "one_of.h"
#include "operators.h"
#include "text.h"

namespace gatesweep::jinja {
namespace {

// What Python's int(text, base) reads; nothing where Python raises a ValueError.
std::optional<std::int64_t> read_whole(Text const& text, std::int64_t base) {
    std::string digits = strip(text, Side::both).bytes;
    for (char c : digits)
        if (static_cast<unsigned char>(c) >= 0x80 || c == '_') refuse("\"int\" of such a text");
    bool const negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) digits.erase(0, 1);
    if (base < 2 || base > 36) refuse("\"int\" with such a base");
    if (digits.size() > 2 && digits[0] == '0') {
        char const kind = digits[1] | 0x20;
        if ((kind == 'x' && base == 16) || (kind == 'o' && base == 8) || (kind == 'b' && base == 2)) digits.erase(0, 2);
    }
    if (digits.empty() || digits[0] == '-') return std::nullopt;
    std::int64_t out = 0;
    auto const* end = digits.data() + digits.size();
    auto const [stop, error] = std::from_chars(digits.data(), end, out, static_cast<int>(base));
    if (error == std::errc::result_out_of_range) refuse("a number that is too large");
    if (error != std::errc() || stop != end) return std::nullopt;
    return negative ? -out : out;
}

std::optional<double> read_real(Text const& text) {
    std::string digits = strip(text, Side::both).bytes;
    for (char c : digits)
        if (static_cast<unsigned char>(c) >= 0x80 || c == '_') refuse("\"float\" of such a text");
    bool const negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) digits.erase(0, 1);
    if (digits.empty() || digits[0] == '-') return std::nullopt;
    double out = 0;
    auto const* end = digits.data() + digits.size();
    auto const [stop, error] = std::from_chars(digits.data(), end, out);
    if (error == std::errc::result_out_of_range || (error == std::errc() && stop == end && !std::isfinite(out)))
        refuse("a number that is too large");
    if (error != std::errc() || stop != end) return std::nullopt;
    return negative ? -out : out;
}

Value as_whole(double value) {
    double const whole = std::trunc(value);
    if (!(whole >= -0x1p62 && whole <= 0x1p62)) refuse("a number that is too large");
    return static_cast<std::int64_t>(whole);
}

Value to_whole(Value const& self, Arguments const& arguments) {
    Bound const bound("int", arguments, {"default", "base"});
    std::int64_t whole = 0;
    if (whole_of(self, whole)) return whole;
    if (self.real()) return as_whole(*self.real());
    if (Text const* text = self.text()) {
        if (auto const out = read_whole(*text, bound.whole(1, 10))) return *out;
        if (auto const out = read_real(*text)) return as_whole(*out);
    } else if (self.undefined()) {
        refuse("\"int\" of undefined");
    }
    return bound.value_or(0, std::int64_t{0});
}

Value to_real(Value const& self, Arguments const& arguments) {
    Bound const bound("float", arguments, {"default"});
    double real = 0;
    if (real_of(self, real)) return real;
    if (Text const* text = self.text()) {
        if (auto const out = read_real(*text)) return *out;
    } else if (self.undefined()) {
        refuse("\"float\" of undefined");
    }
    return bound.value_or(0, 0.0);
}

Value rounded(Value const& self, Arguments const& arguments) {
    Bound const bound("round", arguments, {"precision", "method"});
    std::int64_t const precision = bound.whole(0);
    std::string const method = bound.has(1) ? bound.text(1).bytes : "common";
    std::int64_t whole = 0;
    double value = 0;
    if (!real_of(self, value) || !is_one_of(method, {"common", "ceil", "floor"}) || precision < 0 || precision > 300)
        refuse(fmt::format("\"round\" of {} in such a way", type_name(self)));
    if (method == "common") {
        if (whole_of(self, whole)) return whole;
        std::string const text = fmt::format("{:.{}f}", value, precision);  // exact, then to even, as Python rounds
        std::from_chars(text.data(), text.data() + text.size(), value);
        return value;
    }
    double const scale = std::pow(10.0, static_cast<double>(precision));
    double const scaled = method == "ceil" ? std::ceil(value * scale) : std::floor(value * scale);
    return make_real(scaled / scale);
}

Value sum(Value const& self, Arguments const& arguments) {
    Bound const bound("sum", arguments, {"attribute", "start"});
    Value out = bound.value_or(1, std::int64_t{0});
    if (out.text()) refuse("\"sum\" of texts");
    int reals = 0;
    for (Value const& one : iterate(self)) {
        Value const found = by_path(one, bound.value_or(0, None{}));
        // Python adds real numbers in another way from version 3.12 on.
        if ((reals += found.real() != nullptr) > 1) refuse("\"sum\" of several real numbers");
        out = binary("+", out, found);
    }
    return out;
}

}  // namespace

std::optional<Value> number_filter(std::string_view name, Value const& self, Arguments const& arguments) {
    if (name == "int") return to_whole(self, arguments);
    if (name == "float") return to_real(self, arguments);
    if (name == "round") return rounded(self, arguments);
    if (name == "sum") return sum(self, arguments);
    if (name != "abs") return std::nullopt;
    Bound const none(name, arguments, {});
    std::int64_t whole = 0;
    if (whole_of(self, whole)) return whole < 0 ? unary("-", whole) : Value(whole);
    if (!self.real()) refuse(fmt::format("\"abs\" of {}", type_name(self)));
    return std::abs(*self.real());
}

}  // namespace gatesweep::jinja
