// Renders chat templates for a comparison with Python's jinja2: every line of the standard input is
// {"template": text, "context": {...}, "date": "2026-11-30"}, every line of the output {"text": ..., "generated":
// [[begin, end], ...]} or {"error": ...}.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"
#include "input/jinja/jinja.h"

namespace {

using namespace gatesweep;
using Json = nlohmann::ordered_json;

jinja::Value value_of(Json const& json) {
    if (json.is_null()) return jinja::None{};
    if (json.is_boolean()) return json.get<bool>();
    if (json.is_number_float()) return json.get<double>();
    if (json.is_number()) return json.get<std::int64_t>();
    if (json.is_string()) return jinja::Text(json.get_ref<std::string const&>(), jinja::Text::by_user);
    if (json.is_array()) {
        jinja::List out;
        for (auto const& item : json)
            out.push_back(value_of(item));
        return jinja::make_list(std::move(out));
    }
    jinja::Names out;
    for (auto const& [name, item] : json.items())
        out.emplace_back(name, value_of(item));
    return jinja::make_dict(out);
}

Json answer(Json const& question) {
    try {
        jinja::Template const source(question.at("template").get_ref<std::string const&>());
        jinja::Names globals;
        for (auto const& [name, item] : question.at("context").items())
            globals.emplace_back(name, value_of(item));
        auto const out = source.render(globals, question.value("date", ""));
        if (out.text.bytes.size() != out.text.authors.size()) return {{"error", "bytes without an author"}};
        Json spans = Json::array();
        for (auto const& span : out.generated)
            spans.push_back({span.begin, span.end});
        return {{"text", out.text.bytes}, {"generated", spans}};
    } catch (Error const& error) {
        return {{"error", error.what()}};
    }
}

}  // namespace

int main() {
    std::ios::sync_with_stdio(false);
    for (std::string line; std::getline(std::cin, line);)
        std::cout << answer(Json::parse(line)).dump() << '\n';
}
