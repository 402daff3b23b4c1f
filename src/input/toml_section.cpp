#include "gatesweep/input/toml_section.h"

#include <algorithm>

#include "gatesweep/base/utf8.h"

namespace gatesweep {
namespace {

std::string key_list(std::vector<std::string_view> const& keys) {
    std::string out;
    for (auto key : keys)
        out += fmt::format("{}{}", out.empty() ? "" : ", ", key);
    return out;
}

// Whole numbers count as numbers: 1 is 1.0.
std::optional<double> as_number(toml::node const& node) {
    return node.is_number() ? node.value<double>() : std::nullopt;
}

}  // namespace

toml::table parse_toml(std::string_view text, std::string const& file, std::string_view kind) {
    std::size_t const bad = find_invalid_utf8(text);
    GATESWEEP_VALIDATE(
        bad == text.npos, ExitCode::job, "{}:{}: not UTF-8 ({}s are text): save it as UTF-8", file,
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(bad, text.size())), '\n'),
        kind);
    std::size_t const deep = line_of_deep_key(text);
    GATESWEEP_VALIDATE(deep == 0, ExitCode::job,
                       "{}:{}: not a {}: more than 32 dots in a row of names: correct this line", file, deep, kind);
    try {
        return toml::parse(text, file);
    } catch (toml::parse_error const& error) {
        fail(ExitCode::job, "{}:{}: not valid TOML: {}: correct this line", file, error.source().begin.line,
             printable(error.description(), 200));
    }
}

std::string place_of(toml::node const& node, std::string_view file) {
    auto const& source = node.source();
    if (source.path && *source.path != file) return *source.path;
    return source.begin.line == 0 ? std::string(file) : fmt::format("{}:{}", file, source.begin.line);
}

std::size_t line_of_deep_key(std::string_view text) {
    std::size_t line = 1;
    int dots = 0;
    for (char c : text) {
        if (std::string_view("=,{}[]\n").find(c) != std::string_view::npos) dots = 0;
        if (c == '.' && ++dots > 32) return line;
        if (c == '\n') ++line;
    }
    return 0;
}

std::string describe(toml::node const& node) {
    if (auto const text = node.value_exact<std::string_view>()) return fmt::format("\"{}\"", printable(*text));
    if (auto const whole = node.value_exact<std::int64_t>()) return fmt::format("{}", *whole);
    if (auto const number = node.value_exact<double>()) return fmt::format("{}", *number);
    if (auto const flag = node.value_exact<bool>()) return *flag ? "true" : "false";
    if (node.is_table()) return "a table";
    if (node.is_array()) return "a list";
    return "a date or time";
}

Section::Section(toml::table const& table, std::string name, std::string file,
                 std::vector<std::string_view> const& keys)
    : table_(table), name_(std::move(name)), file_(std::move(file)) {
    for (auto const& [key, value] : table_) {
        if (std::find(keys.begin(), keys.end(), key.str()) != keys.end()) continue;
        std::vector<std::string> const known(keys.begin(), keys.end());
        std::string const close = nearest(key.str(), known);
        fail(ExitCode::job, "{}: unknown {} \"{}\"{} (a misspelt one would change nothing): {}known are {}",
             place_of(value, file_), name_.empty() ? "section" : "key", printable(key.str()),
             name_.empty() ? "" : " in " + name_, close.empty() ? "" : fmt::format("did you mean \"{}\"? ", close),
             key_list(keys));
    }
}

std::string Section::place(std::string_view key) const {
    return has(key) ? place_of(*node(key), file_) : place();
}

bool Section::is_overridden(std::string_view key) const {
    auto const& source = node(key)->source();
    return source.path && *source.path != file_;
}

std::optional<std::string> Section::text(std::string_view key) const {
    if (!has(key)) return std::nullopt;
    if (auto const value = node(key)->value_exact<std::string>()) return value;
    refuse(key, "a text in quotes");
}

std::optional<std::int64_t> Section::whole(std::string_view key, std::int64_t min, std::int64_t max) const {
    if (!has(key)) return std::nullopt;
    auto const value = node(key)->value_exact<std::int64_t>();
    if (value && *value >= min && *value <= max) return value;
    if (max == INT64_MAX) refuse(key, fmt::format("a whole number of at least {}", min));
    refuse(key, fmt::format("a whole number from {} to {}", min, max));
}

std::optional<double> Section::number(std::string_view key) const {
    if (!has(key)) return std::nullopt;
    if (auto const value = as_number(*node(key))) return value;
    refuse(key, "a number");
}

std::optional<std::vector<double>> Section::numbers(std::string_view key) const {
    if (!has(key)) return std::nullopt;
    toml::array const* list = node(key)->as_array();
    if (!list) refuse(key, "a list of numbers");
    std::vector<double> out;
    for (auto const& item : *list) {
        auto const value = as_number(item);
        if (!value) refuse(key, fmt::format("a list of numbers without {}", describe(item)));
        out.push_back(*value);
    }
    return out;
}

std::optional<std::vector<std::int64_t>> Section::wholes(std::string_view key, std::int64_t min,
                                                         std::int64_t max) const {
    if (!has(key)) return std::nullopt;
    std::string const allowed = fmt::format("a list of whole numbers from {} to {}", min, max);
    toml::array const* list = node(key)->as_array();
    if (!list) refuse(key, allowed);
    std::vector<std::int64_t> out;
    for (auto const& item : *list) {
        auto const value = item.value_exact<std::int64_t>();
        if (!value || *value < min || *value > max)
            refuse(key, fmt::format("{} ({} is wrong)", allowed, describe(item)));
        out.push_back(*value);
    }
    return out;
}

std::optional<std::vector<std::string>> Section::texts(std::string_view key) const {
    if (!has(key)) return std::nullopt;
    toml::array const* list = node(key)->as_array();
    if (!list) refuse(key, "a list of texts in quotes");
    std::vector<std::string> out;
    for (auto const& item : *list) {
        auto const value = item.value_exact<std::string>();
        if (!value) refuse(key, fmt::format("a list of texts in quotes ({} is wrong)", describe(item)));
        out.push_back(*value);
    }
    return out;
}

std::optional<bool> Section::flag(std::string_view key) const {
    if (!has(key)) return std::nullopt;
    if (auto const value = node(key)->value_exact<bool>()) return value;
    refuse(key, "true or false");
}

std::optional<std::vector<std::pair<std::string, std::string>>> Section::texts_by_key(std::string_view key) const {
    if (!has(key)) return std::nullopt;
    toml::table const* inner = node(key)->as_table();
    if (!inner) refuse(key, "a table of texts, { column = \"value\" }");
    std::vector<std::pair<std::string, std::string>> out;
    for (auto const& [name, value] : *inner) {
        auto const text = value.value_exact<std::string>();
        // A number may be written in several ways, a column holds one of them: compare texts, never values.
        if (!text)
            fail(ExitCode::job, "{}: {} {}: the value of \"{}\" is {} (columns hold text): write it in quotes",
                 place_of(value, file_), name_, key, printable(name.str()), describe(value));
        out.emplace_back(name.str(), *text);
    }
    return out;
}

std::optional<Section> Section::section(std::string_view key, std::vector<std::string_view> const& keys) const {
    if (!has(key)) return std::nullopt;
    toml::table const* inner = node(key)->as_table();
    std::string const inner_name = name_.empty() ? fmt::format("[{}]", key) : fmt::format("{} {}", name_, key);
    if (!inner) {
        fail(ExitCode::job, "{}: {} is {}: give a table with {}", place(key), inner_name, describe(*node(key)),
             key_list(keys));
    }
    return Section(*inner, inner_name, file_, keys);
}

std::vector<Section> Section::sections(std::string_view key, std::vector<std::string_view> const& keys) const {
    std::vector<Section> out;
    if (!has(key)) return out;
    // Below [sweep], "trial" is written [[sweep.trial]].
    std::string const path =
        name_.empty() ? std::string(key) : fmt::format("{}.{}", name_.substr(1, name_.size() - 2), key);
    toml::array const* list = node(key)->as_array();
    if (!list || !std::all_of(list->begin(), list->end(), [](auto const& item) { return item.is_table(); })) {
        fail(ExitCode::job, "{}: {} is {}: write [[{}]] before each of them", place(key), path, describe(*node(key)),
             path);
    }
    for (auto const& item : *list)
        out.emplace_back(*item.as_table(), fmt::format("[[{}]]", path), file_, keys);
    return out;
}

void Section::refuse(std::string_view key, std::string_view allowed) const {
    fail(ExitCode::job, "{}: {} {} = {} is not allowed: give {}", place(key), name_, key, describe(*node(key)),
         allowed);
}

}  // namespace gatesweep
