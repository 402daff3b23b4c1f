// The functions that every template can call.
#include "globals.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "gatesweep/base/error.h"
#include "objects.h"
#include "one_of.h"
#include "operators.h"
#include "repr.h"
#include "text.h"

namespace gatesweep::jinja {
namespace {

constexpr std::size_t max_range = 100'000;  // jinja2's sandbox sets the same

Value range(Arguments const& arguments) {
    if (!arguments.named.empty() || arguments.values.empty()) refuse("range() needs whole numbers");
    Bound const bound("range", arguments, {"start", "stop", "step"}, 1);
    bool const only_stop = !bound.has(1);
    std::int64_t const begin = only_stop ? 0 : bound.whole(0), end = bound.whole(only_stop ? 0 : 1);
    std::int64_t const step = bound.whole(2, 1);
    constexpr std::int64_t far = std::int64_t{1} << 40;
    if (step == 0 || std::max({begin, end, step}) > far || std::min({begin, end, step}) < -far)
        refuse("a range that has no end");
    List out;
    for (std::int64_t i = begin; step > 0 ? i < end : i > end; i += step) {
        if (out.size() == max_range) refuse("a range of more than 100000 numbers");
        out.push_back(i);
    }
    return make_sequence(Flavour::range, std::move(out));
}

Dict dictionary(Arguments const& arguments) {
    Dict out;
    if (arguments.values.size() > 1) refuse("dict() of several values");
    if (!arguments.values.empty() && arguments.values[0].dict()) out = arguments.values[0].dict()->items;
    if (!arguments.values.empty() && !arguments.values[0].dict()) {
        for (Value const& pair : iterate(arguments.values[0])) {
            List const both = iterate(pair);
            if (both.size() != 2) refuse("dict() of what are not pairs");
            put(out, both[0], both[1]);
        }
    }
    for (auto const& [name, value] : arguments.named)
        put(out, make_text(name), value);
    return out;
}

Value space(Arguments const& arguments) {
    auto const out = std::make_shared<Space>();
    for (auto const& [key, value] : dictionary(arguments)) {
        if (!key.text() || key.text()->bytes.starts_with('_')) refuse("a namespace with such a name");
        put(out->names, key.text()->bytes, value);
    }
    return make_object(out);
}

struct Date {
    int year = 0, month = 0, day = 0;

    bool leap() const { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }
    int day_of_year() const {
        static constexpr std::array before = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
        return before[static_cast<std::size_t>(month - 1)] + day + (month > 2 && leap() ? 1 : 0);
    }
    int weekday() const {  // Sunday is 0
        int const past = year - 1;
        return (past * 365 + past / 4 - past / 100 + past / 400 + day_of_year()) % 7;
    }
};

std::string date_part(Date const& date, char kind, bool bare) {
    static constexpr std::array months = {"January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December"};
    static constexpr std::array days = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
    std::string const month = months[static_cast<std::size_t>(date.month - 1)];
    std::string const weekday = days[static_cast<std::size_t>(date.weekday())];
    auto const padded = [&](int value, int width) {
        return bare ? std::to_string(value) : fmt::format("{:0{}}", value, width);
    };
    switch (kind) {
        case 'd':
            return padded(date.day, 2);
        case 'm':
            return padded(date.month, 2);
        case 'y':
            return padded(date.year % 100, 2);
        case 'j':
            return padded(date.day_of_year(), 3);
        case 'Y':
            return std::to_string(date.year);
    }
    if (bare) return "";
    switch (kind) {
        case 'B':
            return month;
        case 'b':
        case 'h':
            return month.substr(0, 3);
        case 'A':
            return weekday;
        case 'a':
            return weekday.substr(0, 3);
        case 'e':
            return fmt::format("{:2}", date.day);
        case 'F':
            return fmt::format("{}-{:02}-{:02}", date.year, date.month, date.day);
        case 'D':
            return fmt::format("{:02}/{:02}/{:02}", date.month, date.day, date.year % 100);
        case 'u':
            return std::to_string(date.weekday() == 0 ? 7 : date.weekday());
        case 'w':
            return std::to_string(date.weekday());
        case '%':
            return "%";
    }
    return "";
}

Text formatted_date(Text const& format, std::string const& text) {
    if (text.empty())
        refuse(
            "the template asks for today's date, and results would change by the day: set [model] date = "
            "\"2026-11-30\", or the day that counts, in the job");
    Date date;
    std::from_chars(text.data(), text.data() + 4, date.year);
    std::from_chars(text.data() + 5, text.data() + 7, date.month);
    std::from_chars(text.data() + 8, text.data() + 10, date.day);
    Text out;
    std::string const& bytes = format.bytes;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        if (bytes[at] != '%') {
            append(out, format.substr(at, 1));
            continue;
        }
        bool const bare = at + 1 < bytes.size() && bytes[at + 1] == '-';
        at += bare ? 2 : 1;
        std::string const part = at < bytes.size() ? date_part(date, bytes[at], bare) : "";
        if (part.empty()) refuse(fmt::format("the date format \"{}\" asks for more than a date", printable(bytes)));
        append(out, Text(part, Text::by_template));
    }
    return out;
}

}  // namespace

bool is_function(std::string_view name) {
    return is_one_of(name,
                     {"range", "dict", "namespace", "cycler", "joiner", "lipsum", "raise_exception", "strftime_now"});
}

Value call_function(std::string_view name, Arguments const& arguments, std::string const& date) {
    spend(1);
    if (name == "range") return range(arguments);
    if (name == "dict") return make_dictionary(dictionary(arguments));
    if (name == "namespace") return space(arguments);
    if (name == "cycler") {
        if (arguments.values.empty() || !arguments.named.empty()) refuse("cycler() needs values");
        return make_object(std::make_shared<Cycler>(arguments.values));
    }
    if (name == "joiner") {
        Bound const bound(name, arguments, {"sep"});
        return make_object(std::make_shared<Joiner>(bound.value_or(0, make_text(", "))));
    }
    if (name == "raise_exception") {
        Bound const bound(name, arguments, {"message"}, 1);
        fail(ExitCode::bad_data, "the template refuses it: {}", printable(to_text(bound.value(0)).bytes, 400));
    }
    if (name == "strftime_now") {
        Bound const bound(name, arguments, {"format"}, 1);
        return formatted_date(bound.text(0), date);
    }
    refuse(fmt::format("{}() is not supported", printable(name)));
}

}  // namespace gatesweep::jinja
