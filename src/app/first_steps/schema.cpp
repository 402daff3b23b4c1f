// The keys of a job file as JSON Schema, from the list that the readers go by and the comments of the documentation.
#include "app/commands.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "gatesweep/input/job_keys.h"
#include "gatesweep/input/toml_section.h"

namespace gatesweep {
namespace {

using Json = nlohmann::ordered_json;

Json schema_of_section(std::string const& section);

Json whole_number(JobKey const& key) {
    Json out = {{"type", "integer"}, {"minimum", key.min}};
    if (key.max != no_maximum) out["maximum"] = key.max;
    return out;
}

Json either(Json first, Json second) {
    return {{"anyOf", Json::array({std::move(first), std::move(second)})}};
}

Json list_of(Json items) {
    return {{"type", "array"}, {"items", std::move(items)}};
}

Json kind_of(JobKey const& key) {
    Json const text = {{"type", "string"}}, number = {{"type", "number"}}, flag = {{"type", "boolean"}},
               automatic = {{"const", "auto"}};
    std::string const below = key.section.empty() ? key.key : fmt::format("{}.{}", key.section, key.key);
    switch (key.type) {
        case KeyType::text:
            return text;
        case KeyType::whole:
            return whole_number(key);
        case KeyType::number:
            return number;
        case KeyType::flag:
            return flag;
        case KeyType::word:
            return {{"enum", key.words}};
        case KeyType::texts:
            return list_of(text);
        case KeyType::text_or_texts:
            return either(text, list_of(text));
        case KeyType::wholes:
            return list_of(whole_number(key));
        case KeyType::numbers:
            return list_of(number);
        case KeyType::words:
            return list_of({{"enum", key.words}});
        case KeyType::columns:
            return {{"type", "object"}, {"additionalProperties", text}};
        case KeyType::variables:
            return {{"type", "object"}};
        case KeyType::experts: {
            Json pair = list_of({{"type", "integer"}, {"minimum", 0}});
            pair["minItems"] = pair["maxItems"] = 2;
            return list_of(std::move(pair));
        }
        case KeyType::whole_or_auto:
            return either(automatic, whole_number(key));
        case KeyType::flag_or_auto:
            return either(automatic, flag);
        case KeyType::bytes_or_auto:
            return either(text, {{"type", "integer"}, {"minimum", 1}});
        case KeyType::sizes_or_auto:
            return either(automatic, list_of(either({{"type", "integer"}, {"minimum", 1}},
                                                    {{"type", "string"}, {"pattern", "^[0-9.]+ ?%$"}})));
        case KeyType::section:
            return schema_of_section(below);
        case KeyType::sections:
            return list_of(schema_of_section(below));
    }
    return Json::object();
}

Json json_of(toml::node const& node) {
    if (auto const* const table = node.as_table()) {
        Json out = Json::object();
        for (auto const& [key, value] : *table)
            out[std::string(key.str())] = json_of(value);
        return out;
    }
    if (auto const* const list = node.as_array()) {
        Json out = Json::array();
        for (auto const& value : *list)
            out.push_back(json_of(value));
        return out;
    }
    if (auto const text = node.value_exact<std::string>()) return *text;
    if (auto const whole = node.value_exact<std::int64_t>()) return *whole;
    if (auto const flag = node.value_exact<bool>()) return *flag;
    return node.value<double>().value_or(0.0);
}

Json schema_of_section(std::string const& section) {
    Json properties = Json::object(), required = Json::array();
    for (JobKey const& key : job_keys()) {
        if (key.section != section) continue;
        Json property = kind_of(key);
        if (auto const said = documentation_of(section, key.key)) {
            if (!said->comment.empty()) property["description"] = said->comment;
            if (said->value && !key.is_required) {
                toml::table const shown = parse_toml(fmt::format("x = {}", *said->value), "jobs/README.md", "job");
                property["default"] = json_of(*shown.get("x"));
            }
        }
        if (key.is_required) required.push_back(key.key);
        properties[key.key] = std::move(property);
    }
    Json out = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
    if (!required.empty()) out["required"] = std::move(required);
    return out;
}

}  // namespace

void print_schema() {
    Json out = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "gatesweep job"}};
    out.update(schema_of_section(""));
    out["required"] = Json::array({"model", "prompts"});
    fmt::print("{}\n", out.dump(2));
}

}  // namespace gatesweep
