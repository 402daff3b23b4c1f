#include "rope_fields.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gatesweep/base/error.h"
#include "gatesweep/ops/rotary.h"

namespace gatesweep {
namespace {

using nlohmann::json;

// Frequencies are computed in float32.
constexpr double smallest = std::numeric_limits<float>::min(), largest = std::numeric_limits<float>::max();

// One dictionary of rotary fields. Whatever of it nobody asked for is refused at the end.
class RopeDictionary {
public:
    RopeDictionary(json const& object, std::string const& key, ConfigFields const& outer)
        : object_(object), key_(key), outer_(outer), fields_(object, outer.file(), key + ".") {}

    ConfigFields const& fields() const { return fields_; }
    json const* find(std::string const& name) {
        known_.push_back(name);
        return fields_.find(name);
    }
    double required(std::string const& name, double low = smallest) {
        json const* const value = find(name);
        GATESWEEP_VALIDATE(value != nullptr, ExitCode::bad_data,
                           "{}: the field {}.{} is missing (its rope_type needs it): copy the file again",
                           outer_.file(), key_, name);
        return fields_.real(*value, name, low, largest);
    }
    double real_or(std::string const& name, double absent, double low = smallest) {
        json const* const value = find(name);
        return value == nullptr ? absent : fields_.real(*value, name, low, largest);
    }
    std::vector<double> divisors(std::string const& name, std::int64_t count) {
        required_list(name, count);
        std::vector<double> values;
        for (json const& item : *fields_.find(name))
            values.push_back(fields_.real(item, name, smallest, largest));
        return values;
    }
    // original_max_position_embeddings: here, or beside the dictionary as Phi's configs have it, or all positions.
    std::int64_t original_positions(ModelConfig const& config) {
        std::string const name = "original_max_position_embeddings";
        json const *const here = find(name), *const beside = outer_.find(name);
        GATESWEEP_VALIDATE(here == nullptr || beside == nullptr || *here == *beside, ExitCode::bad_data,
                           "{}: {} and {}.{} differ (they are two names of one field): remove one", outer_.file(), name,
                           key_, name);
        if (here != nullptr) return fields_.integer(*here, name, 1, max_config_positions);
        if (beside != nullptr) return outer_.integer(*beside, name, 1, max_config_positions);
        return config.max_position_embeddings;
    }
    void refuse_unknown() const {
        for (auto const& [name, value] : object_.items()) {
            bool const is_known = std::ranges::find(known_, name) != known_.end() || value.is_null();
            GATESWEEP_VALIDATE(
                is_known, ExitCode::bad_data,
                "{}: {}.{} asks for a rotary embedding that gatesweep does not compute: choose another model",
                outer_.file(), key_, printable(name));
        }
    }

private:
    void required_list(std::string const& name, std::int64_t count) {
        json const* const value = find(name);
        GATESWEEP_VALIDATE(value != nullptr, ExitCode::bad_data,
                           "{}: the field {}.{} is missing (its rope_type needs it): copy the file again",
                           outer_.file(), key_, name);
        if (!value->is_array() || std::ssize(*value) != count)
            fields_.wrong(name, *value, fmt::format("a list of {} numbers (half of head_dim)", count));
    }

    json const& object_;
    std::string key_;
    ConfigFields const& outer_;
    ConfigFields fields_;
    std::vector<std::string> known_ = {"rope_type", "type", "rope_theta"};
};

RopeType type_of(RopeDictionary& rope, RopeFields const& family) {
    ConfigFields const& fields = rope.fields();
    json const* const type = fields.find_any({"rope_type", "type"});
    if (type == nullptr) return RopeType::plain;
    std::string const word = fields.text(*type, "rope_type");
    for (RopeType const allowed : family.types) {
        if (word_of(allowed) == word) return allowed;
    }
    std::vector<std::string> words;
    for (RopeType const allowed : family.types)
        words.push_back(fmt::format("\"{}\"", word_of(allowed)));
    fields.wrong("rope_type", *type,
                 fmt::format("{}{} (what gatesweep computes for this family)", words.size() > 1 ? "one of " : "",
                             fmt::join(words, ", ")));
}

void read_llama3(RopeDictionary& rope, ModelConfig const& config, RopeScaling& s) {
    s.factor = rope.required("factor");
    s.low_frequency_factor = rope.required("low_freq_factor");
    s.high_frequency_factor = rope.required("high_freq_factor");
    s.original_positions = rope.original_positions(config);
    if (s.high_frequency_factor <= s.low_frequency_factor)
        rope.fields().wrong("high_freq_factor", json(s.high_frequency_factor), "more than low_freq_factor");
}

// A factor that is null follows from the positions.
double factor_or_ratio(RopeDictionary& rope, ModelConfig const& config, std::int64_t original) {
    return rope.real_or("factor", static_cast<double>(config.max_position_embeddings) / static_cast<double>(original));
}

void read_yarn(RopeDictionary& rope, ModelConfig const& config, RopeScaling& s) {
    s.original_positions = rope.original_positions(config);
    s.factor = rope.fields().contains("factor") ? factor_or_ratio(rope, config, s.original_positions)
                                                : rope.required("factor");
    double const mscale = rope.real_or("mscale", 0, 0);
    s.mscale_all_dim = rope.real_or("mscale_all_dim", 0, 0);
    bool const is_ratio = mscale != 0 && s.mscale_all_dim != 0;
    double const own = is_ratio ? yarn_magnitude(s.factor, mscale) / yarn_magnitude(s.factor, s.mscale_all_dim)
                                : yarn_magnitude(s.factor, 1);
    s.magnitude = rope.real_or("attention_factor", own);
    s.beta_fast = rope.real_or("beta_fast", 32);
    s.beta_slow = rope.real_or("beta_slow", 1);
    rope.find("truncate");
    s.truncate = rope.fields().flag_or("truncate", true);
    if (config.rope_theta <= 1)
        rope.fields().wrong("rope_theta", json(config.rope_theta), "more than 1 where rope_type is \"yarn\"");
}

void read_longrope(RopeDictionary& rope, RopeFields const& family, ModelConfig const& config, RopeScaling& s) {
    s.original_positions = rope.original_positions(config);
    s.short_factors = rope.divisors("short_factor", config.head_dim / 2);
    s.long_factors = rope.divisors("long_factor", config.head_dim / 2);
    if (family.ignores_long_factors) s.long_factors = s.short_factors;
    double const factor = factor_or_ratio(rope, config, s.original_positions);
    double const own =
        factor <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(static_cast<double>(s.original_positions)));
    s.magnitude = s.long_magnitude = rope.real_or("attention_factor", own);
    if (!std::isfinite(s.magnitude))
        rope.fields().wrong("original_max_position_embeddings", json(s.original_positions), "more than 1");
    if (!family.has_mscales) return;
    s.magnitude = rope.required("short_mscale");
    s.long_magnitude = rope.required("long_mscale");
}

RopeScaling read_scaling(RopeDictionary& rope, RopeFields const& family, ModelConfig const& config) {
    RopeScaling s;
    s.type = type_of(rope, family);
    switch (s.type) {
        case RopeType::plain:
            break;
        case RopeType::linear:
            s.factor = rope.required("factor");
            break;
        case RopeType::llama3:
            read_llama3(rope, config, s);
            break;
        case RopeType::yarn:
            read_yarn(rope, config, s);
            break;
        case RopeType::longrope:
            read_longrope(rope, family, config, s);
            break;
    }
    rope.refuse_unknown();
    return s;
}

}  // namespace

void read_rope(ConfigFields const& fields, RopeFields const& family, ModelConfig& config) {
    char const* given_as = nullptr;
    auto const take_theta = [&](json const* value, char const* name) {
        if (value == nullptr) return;
        double const given = fields.real(*value, name, smallest, largest);
        GATESWEEP_VALIDATE(given_as == nullptr || given == config.rope_theta, ExitCode::bad_data,
                           "{}: {} and {} differ (they are two names of one field): remove one", fields.file(),
                           given_as, name);
        config.rope_theta = given;
        given_as = name;
    };
    json const *const v5 = fields.find("rope_parameters"), *const v4 = fields.find("rope_scaling");
    for (auto const& [key, rope] : {std::pair("rope_parameters", v5), std::pair("rope_scaling", v4)}) {
        if (rope != nullptr && !rope->is_object()) fields.wrong(key, *rope, "an object");
    }
    take_theta(fields.find("rope_theta"), "rope_theta");
    if (v5 != nullptr) take_theta(ConfigFields(*v5, fields.file()).find("rope_theta"), "rope_parameters.rope_theta");
    if (v4 != nullptr) take_theta(ConfigFields(*v4, fields.file()).find("rope_theta"), "rope_scaling.rope_theta");
    std::vector<RopeScaling> scalings;
    for (auto const& [key, rope] : {std::pair("rope_parameters", v5), std::pair("rope_scaling", v4)}) {
        if (rope == nullptr || rope->empty()) continue;
        RopeDictionary dictionary(*rope, key, fields);
        scalings.push_back(read_scaling(dictionary, family, config));
    }
    GATESWEEP_VALIDATE(scalings.size() < 2 || scalings[0] == scalings[1], ExitCode::bad_data,
                       "{}: rope_parameters and rope_scaling differ (they are two names of one field): remove one",
                       fields.file());
    if (!scalings.empty()) config.rope_scaling = scalings.front();
}

}  // namespace gatesweep
