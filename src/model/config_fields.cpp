#include "config_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"

namespace gatesweep {

using Json = nlohmann::json;

Json const* ConfigFields::find(std::string const& key) const {
    auto const found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
}

bool ConfigFields::contains(std::string const& key) const {
    return object_.contains(key);
}

Json const* ConfigFields::find_any(std::initializer_list<char const*> keys) const {
    Json const* value = nullptr;
    char const* given_as = nullptr;
    for (char const* key : keys) {
        Json const* const other = find(key);
        if (other == nullptr) continue;
        GATESWEEP_VALIDATE(value == nullptr || *value == *other, ExitCode::bad_data,
                           "{}: {}{} and {}{} differ (they are two names of one field): remove one", file_, prefix_,
                           given_as, prefix_, key);
        value = other;
        given_as = key;
    }
    return value;
}

std::int64_t ConfigFields::integer(Json const& value, std::string const& key, std::int64_t low,
                                   std::int64_t high) const {
    bool const in_range = value.is_number_unsigned() && value.get<std::uint64_t>() <= std::uint64_t(high) &&
                          value.get<std::int64_t>() >= low;
    if (!in_range) wrong(key, value, fmt::format("an integer from {} to {}", low, high));
    return value.get<std::int64_t>();
}

std::int64_t ConfigFields::required(std::initializer_list<char const*> keys, std::int64_t high) const {
    Json const* const value = find_any(keys);
    GATESWEEP_VALIDATE(value != nullptr, ExitCode::bad_data,
                       "{}: the field {}{} is missing (the model's size depends on it): copy the file again", file_,
                       prefix_, *keys.begin());
    return integer(*value, *keys.begin(), 1, high);
}

std::int64_t ConfigFields::size_or(char const* key, std::int64_t absent, std::int64_t high) const {
    Json const* const value = find(key);
    return value == nullptr ? absent : integer(*value, key, 1, high);
}

double ConfigFields::real(Json const& value, std::string const& key, double low, double high) const {
    bool const in_range = value.is_number() && value.get<double>() >= low && value.get<double>() <= high;
    if (!in_range) wrong(key, value, fmt::format("a number from {:.6g} to {:.6g}", low, high));
    return value.get<double>();
}

bool ConfigFields::flag_or(char const* key, bool absent) const {
    Json const* const value = find(key);
    if (value == nullptr) return absent;
    if (!value->is_boolean()) wrong(key, *value, "true or false");
    return value->get<bool>();
}

void ConfigFields::refuse_unless_false(char const* key) const {
    if (flag_or(key, false)) wrong(key, *find(key), "false (what gatesweep computes for this family)");
}

void ConfigFields::refuse_unless_absent(char const* key) const {
    if (Json const* const value = find(key)) wrong(key, *value, "null (what gatesweep computes for this family)");
}

std::string ConfigFields::text(Json const& value, std::string const& key) const {
    if (!value.is_string()) wrong(key, value, "a string");
    return value.get<std::string>();
}

std::vector<std::int32_t> ConfigFields::token_ids(Json const& value, std::string const& key,
                                                  std::int64_t vocab_size) const {
    std::vector<std::int32_t> ids;
    auto const add = [&](Json const& item) {
        auto const id = static_cast<std::int32_t>(integer(item, key, 0, vocab_size - 1));
        if (std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
    };
    if (!value.is_array()) {
        add(value);
        return ids;
    }
    if (value.empty() || value.size() > 1024) wrong(key, value, "an id or a list of 1 to 1024 ids");
    for (auto const& item : value)
        add(item);
    return ids;
}

void ConfigFields::validate_top_k(ModelConfig const& config) const {
    GATESWEEP_VALIDATE(config.top_k <= config.num_experts, ExitCode::bad_data,
                       "{}: num_experts_per_tok {} is more than num_local_experts {} (a token cannot use an expert "
                       "twice): correct the file",
                       file_, config.top_k, config.num_experts);
}

void ConfigFields::wrong(std::string const& key, Json const& value, std::string const& wanted) const {
    std::string const shown = value.is_string()       ? '"' + printable(value.get_ref<std::string const&>()) + '"'
                              : value.is_structured() ? std::string(value.type_name())
                                                      : value.dump();
    fail(ExitCode::bad_data, "{}: {}{} is {}, but must be {}: correct the file or choose another model", file_, prefix_,
         key, shown, wanted);
}

}  // namespace gatesweep
