#include "operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attributes.h"
#include "filters.h"
#include "format.h"
#include "one_of.h"
#include "repr.h"
#include "text.h"

namespace gatesweep::jinja {
namespace {

[[noreturn]] void impossible(std::string_view symbol, Value const& left, Value const& right) {
    refuse(fmt::format("{} {} {} is not possible", type_name(left), symbol, type_name(right)));
}

std::int64_t checked(bool overflows, std::int64_t const& value) {  // by reference: read once it is computed
    if (overflows) refuse("a number that is too large");
    return value;
}

Value whole_power(std::int64_t base, std::int64_t exponent) {
    if (exponent < 0) {
        if (base == 0) refuse("a division by zero");
        return make_real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
    }
    std::int64_t out = 1;
    for (std::int64_t i = 0; i < exponent && out != 0; ++i) {
        if (base == 1 || base == -1) return std::int64_t{base == 1 || exponent % 2 == 0 ? 1 : -1};
        out = checked(__builtin_mul_overflow(out, base, &out), out);
    }
    return out;
}

Value whole_arithmetic(std::string_view symbol, std::int64_t a, std::int64_t b) {
    std::int64_t out = 0;
    if (symbol == "+") return checked(__builtin_add_overflow(a, b, &out), out);
    if (symbol == "-") return checked(__builtin_sub_overflow(a, b, &out), out);
    if (symbol == "*") return checked(__builtin_mul_overflow(a, b, &out), out);
    if (symbol == "**") return whole_power(a, b);
    if (b == 0) refuse("a division by zero");
    if (symbol == "/") {
        constexpr std::int64_t exact = std::int64_t{1} << 53;
        if (std::max(a, b) > exact || std::min(a, b) < -exact) refuse("a number that is too large");
        return static_cast<double>(a) / static_cast<double>(b);
    }
    if (b == -1) return symbol == "%" ? Value(std::int64_t{0}) : Value(checked(a == INT64_MIN, -a));
    std::int64_t const rest = a % b;  // Python rounds towards minus infinity
    bool const down = rest != 0 && (rest < 0) != (b < 0);
    return symbol == "%" ? rest + (down ? b : 0) : a / b - (down ? 1 : 0);
}

Value real_arithmetic(std::string_view symbol, double a, double b) {
    if (symbol == "+") return make_real(a + b);
    if (symbol == "-") return make_real(a - b);
    if (symbol == "*") return make_real(a * b);
    if (symbol == "**") {
        if ((a == 0.0 && b < 0.0) || (a < 0.0 && b != std::floor(b))) refuse("a power that is no real number");
        return make_real(std::pow(a, b));
    }
    if (b == 0.0) refuse("a division by zero");
    if (symbol == "/") return make_real(a / b);
    double rest = std::fmod(a, b);
    double quotient = (a - rest) / b;
    if (rest != 0.0) {
        if ((b < 0.0) != (rest < 0.0)) rest += b, quotient -= 1.0;
    } else {
        rest = std::copysign(0.0, b);
    }
    if (symbol == "%") return make_real(rest);
    if (quotient == 0.0) return std::copysign(0.0, a / b);
    double const floor = std::floor(quotient);
    return make_real(quotient - floor > 0.5 ? floor + 1.0 : floor);
}

bool repeats(Value const& value) {
    return value.text() || value.sequence(Flavour::list) || value.sequence(Flavour::tuple);
}

Value repeated(Value const& value, std::int64_t times) {
    if (Text const* text = value.text()) return repeat(*text, times);
    List out;
    List const& items = value.sequence()->items;
    for (std::int64_t i = 0; i < times && !items.empty(); ++i) {
        spend(items.size());
        out.insert(out.end(), items.begin(), items.end());
    }
    return make_sequence(value.sequence()->flavour, std::move(out));
}

std::optional<Value> added(Value const& left, Value const& right) {
    if (left.text() && right.text()) {
        Text out = *left.text();
        spend_bytes(out.bytes.size());
        append(out, *right.text());
        return out;
    }
    if ((left.markup() && (right.text() || right.markup())) || (left.text() && right.markup())) {
        Text out = escaped(left);
        append(out, escaped(right));
        return Value(out).as_markup();
    }
    Sequence const* a = left.sequence();
    Sequence const* b = right.sequence();
    auto const flavour = a && a->flavour == Flavour::group ? Flavour::tuple : a ? a->flavour : Flavour::stream;
    bool const alike = a && b && (flavour == Flavour::list || flavour == Flavour::tuple) &&
                       (b->flavour == flavour || (flavour == Flavour::tuple && b->flavour == Flavour::group));
    if (!alike) return std::nullopt;
    List out = a->items;
    spend(out.size() + b->items.size());
    out.insert(out.end(), b->items.begin(), b->items.end());
    return make_sequence(flavour, std::move(out));
}

std::int64_t bound(Value const* value, std::int64_t fallback) {
    std::int64_t out = fallback;
    if (value && !value->none() && !whole_of(*value, out))
        refuse(fmt::format("a part is cut at {}", type_name(*value)));
    return out;
}

}  // namespace

Value unary(std::string_view symbol, Value const& value) {
    if (symbol == "not") return !truth(value);
    std::int64_t whole = 0;
    if (whole_of(value, whole)) return symbol == "+" ? whole : checked(whole == INT64_MIN, -whole);
    if (!value.real()) refuse(fmt::format("{}{} is not possible", symbol, type_name(value)));
    return symbol == "+" ? *value.real() : -*value.real();
}

Value binary(std::string_view symbol, Value const& left, Value const& right) {
    if (symbol == "~") {
        Text out = to_text(left);
        spend_bytes(out.bytes.size());
        append(out, to_text(right));
        return out;
    }
    std::int64_t a = 0, b = 0;
    if (whole_of(left, a) && whole_of(right, b)) return whole_arithmetic(symbol, a, b);
    double x = 0, y = 0;
    if (real_of(left, x) && real_of(right, y)) {
        constexpr std::int64_t exact = std::int64_t{1} << 53;
        if (std::max(a, b) > exact || std::min(a, b) < -exact) refuse("a number that is too large");
        return real_arithmetic(symbol, x, y);
    }
    if (symbol == "+") {
        if (auto out = added(left, right)) return *out;
    }
    if (symbol == "*" && repeats(left) && whole_of(right, b)) return repeated(left, b);
    if (symbol == "*" && repeats(right) && whole_of(left, a)) return repeated(right, a);
    if (symbol == "%" && left.text()) return percent_format(*left.text(), right);
    impossible(symbol, left, right);
}

bool holds(std::string_view symbol, Value const& left, Value const& right) {
    if (symbol == "==") return equal(left, right);
    if (symbol == "!=") return !equal(left, right);
    if (symbol == "in") return contains(right, left);
    if (symbol == "not in") return !contains(right, left);
    int const order = compare(left, right);
    return symbol == "<" ? order < 0 : symbol == "<=" ? order <= 0 : symbol == ">" ? order > 0 : order >= 0;
}

bool contains(Value const& whole, Value const& part) {
    if (whole.text() && part.text()) {
        spend_bytes(whole.text()->bytes.size());
        return whole.text()->bytes.find(part.text()->bytes) != std::string::npos;
    }
    if (Dictionary const* dict = whole.dict()) {
        check_key(part);
        return find(dict->items, part) != nullptr;
    }
    if (whole.undefined()) return false;
    Sequence const* sequence = whole.sequence();
    if (!sequence || sequence->flavour == Flavour::stream) impossible("in", part, whole);
    return std::any_of(sequence->items.begin(), sequence->items.end(),
                       [&](Value const& item) { return equal(item, part); });
}

Value part(Value const& self, Value const* begin_value, Value const* end_value, Value const* step_value) {
    Sequence const* sequence = self.sequence();
    bool const cuts = sequence && is_one_of(type_name(self), {"a list", "a tuple", "a group"});
    if (!cuts && !self.text()) refuse(fmt::format("a part of {} is not possible", type_name(self)));
    std::int64_t const size =
        cuts ? static_cast<std::int64_t>(sequence->items.size()) : character_count(self.text()->bytes);
    std::int64_t const step = bound(step_value, 1);
    if (step == 0) refuse("a part with a step of zero");
    // Bounds as Python places them: from the end when negative, then held inside what the direction can reach.
    auto const placed = [&](Value const* value, std::int64_t fallback) {
        bool const given = value && !value->none();
        std::int64_t at = bound(value, fallback);
        if (given && at < 0) at = at < -size ? (step < 0 ? -1 : 0) : at + size;
        return step > 0 ? std::clamp<std::int64_t>(at, 0, size) : std::clamp<std::int64_t>(at, -1, size - 1);
    };
    std::int64_t const begin = placed(begin_value, step > 0 ? 0 : size - 1);
    std::int64_t const end = placed(end_value, step > 0 ? size : -1);
    std::int64_t const stride = std::clamp<std::int64_t>(step, -size - 1, size + 1);
    if (!cuts) return slice(*self.text(), begin, end, stride);
    List out;
    for (std::int64_t i = begin; stride > 0 ? i < end : i > end; i += stride)
        out.push_back(sequence->items[static_cast<std::size_t>(i)]);
    return make_sequence(sequence->flavour == Flavour::list ? Flavour::list : Flavour::tuple, std::move(out));
}

}  // namespace gatesweep::jinja
