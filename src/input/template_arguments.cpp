#include "template_arguments.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "toml_text.h"

namespace gatesweep {
namespace {

using Json = nlohmann::ordered_json;

constexpr int max_nesting = 32;

// False for a value that JSON does not have.
bool to_json(toml::node const& node, Json& out, int depth = 0) {
    if (depth > max_nesting) return false;
    if (auto const text = node.value_exact<std::string>()) {
        out = *text;
    } else if (auto const whole = node.value_exact<std::int64_t>()) {
        out = *whole;
    } else if (auto const number = node.value_exact<double>()) {
        out = *number;
        return std::isfinite(*number);
    } else if (auto const flag = node.value_exact<bool>()) {
        out = *flag;
    } else if (toml::array const* list = node.as_array()) {
        out = Json::array();
        for (auto const& item : *list)
            if (!to_json(item, out.emplace_back(), depth + 1)) return false;
    } else if (toml::table const* table = node.as_table()) {
        out = Json::object();
        for (auto const& [name, item] : *table)
            if (!to_json(item, out[std::string(name.str())], depth + 1)) return false;
    } else {
        return false;
    }
    return true;
}

std::string to_toml_value(Json const& json) {
    if (json.is_string()) return toml_string(json.get_ref<std::string const&>());
    if (json.is_number_float()) return toml_number(json.get<double>());
    if (json.is_array()) return toml_list(json, to_toml_value);
    if (!json.is_object()) return json.dump();
    std::string out;
    for (auto const& [name, item] : json.items())
        out += fmt::format("{} {} = {}", out.empty() ? "" : ",", toml_string(name), to_toml_value(item));
    return fmt::format("{{{} }}", out);
}

bool is_date(std::string const& text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (i != 4 && i != 7 && (text[i] < '0' || text[i] > '9')) return false;
    auto const part = [&](std::size_t at, std::size_t count) { return std::stoi(text.substr(at, count)); };
    return part(0, 4) >= 1000 && std::chrono::year_month_day(std::chrono::year(part(0, 4)),
                                                             std::chrono::month(static_cast<unsigned>(part(5, 2))),
                                                             std::chrono::day(static_cast<unsigned>(part(8, 2))))
                                     .ok();
}

}  // namespace

std::map<std::string, std::string> read_template_arguments(Section const& section, std::string_view key) {
    std::map<std::string, std::string> out;
    if (!section.has(key)) return out;
    toml::table const* table = section.node(key)->as_table();
    if (!table) section.refuse(key, "a table of variables, { enable_thinking = false }");
    for (auto const& [name, value] : *table) {
        Json json;
        std::string const word(name.str());
        GATESWEEP_VALIDATE(word != "messages" && word != "add_generation_prompt", ExitCode::job,
                           "{}: {} cannot be one of template_arguments (the program sets it): leave it out",
                           section.place(key), word);
        GATESWEEP_VALIDATE(
            to_json(value, json), ExitCode::job,
            "{}: \"{}\" of template_arguments is or holds {} (a template has no such value): give texts, "
            "numbers, true or false, lists or tables",
            section.place(key), printable(word),
            value.is_table() || value.is_array() ? "a date, no number, or too much" : describe(value));
        out.emplace(word, json.dump());
    }
    return out;
}

std::string template_arguments_text(std::map<std::string, std::string> const& arguments) {
    Json all = Json::object();
    for (auto const& [name, value] : arguments)
        all[name] = Json::parse(value);
    return to_toml_value(all);
}

std::string read_date(Section const& section, std::string_view key) {
    std::string const out = section.text(key).value_or("");
    if (!out.empty() && !is_date(out)) section.refuse(key, "a day of the calendar in quotes, \"2026-11-30\"");
    return out;
}

}  // namespace gatesweep
