#include "adapter_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/input/strict_json.h"

namespace gatesweep {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::uint64_t max_file_bytes = std::uint64_t{1} << 26;
constexpr std::uint64_t max_rank = 1 << 16;
// What common tensors of experts look like since then.
constexpr std::pair<int, int> current_layout_since = {0, 19};

// Fields that say nothing about what the adapter computes: where it is from, how it was trained, and targets, which the
// tensors themselves name.
constexpr auto without_effect = std::to_array<std::string_view>(
    {"auto_mapping", "base_model_name_or_path", "corda_config", "ensure_weight_tying", "eva_config", "exclude_modules",
     "inference_mode", "layers_pattern", "layers_to_transform", "library_name", "loftq_config", "lora_dropout",
     "lora_ga_config", "megatron_config", "megatron_core", "qalora_group_size", "revision", "runtime_config",
     "task_type"});
// Ways to begin that leave the model's own weights as they are.
constexpr auto plain_beginnings = std::to_array<std::string_view>({"gaussian", "eva", "orthogonal"});

bool asks_for_nothing(json const& value) {
    return value.is_null() || value == false || (value.is_structured() && value.empty()) || value == "";
}

bool is_match(std::string const& ending, std::string const& name) {
    return name == ending || name.ends_with("." + ending);
}

class Fields {
public:
    Fields(json const& object, std::string const& file) : object_(object), file_(file) {}

    // Null for an absent field and for a null.
    json const* find(char const* key) const {
        auto const found = object_.find(key);
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }
    [[noreturn]] void wrong(std::string const& key, json const& value, std::string_view wanted) const {
        std::string const shown = value.is_structured() ? std::string(value.type_name()) : value.dump();
        fail(
            ExitCode::bad_data,
            "{}: {} is {}, but must be {} (the adapter would mean something else): save it again, or train one without "
            "it",
            file_, key, printable(shown), wanted);
    }
    std::int64_t rank(std::string const& key, json const& value) const {
        bool const in_range =
            value.is_number_unsigned() && value.get<std::uint64_t>() >= 1 && value.get<std::uint64_t>() <= max_rank;
        if (!in_range) wrong(key, value, fmt::format("a rank from 1 to {}", max_rank));
        return value.get<std::int64_t>();
    }
    double alpha(std::string const& key, json const& value) const {
        bool const in_range = value.is_number() && value.get<double>() > 0 && value.get<double>() <= 1e9;
        if (!in_range) wrong(key, value, "a number above 0");
        return value.get<double>();
    }
    bool flag(char const* key) const {
        json const* const value = find(key);
        if (value == nullptr) return false;
        if (!value->is_boolean()) wrong(key, *value, "true or false");
        return value->get<bool>();
    }
    json const& required(char const* key) const {
        json const* const value = find(key);
        GATESWEEP_VALIDATE(value != nullptr, ExitCode::bad_data,
                           "{}: the field {} is missing (the adapter's size depends on it): copy the file again", file_,
                           key);
        return *value;
    }
    // A list; one text, a regular expression, is as none.
    std::vector<std::string> texts(char const* key) const {
        json const* const value = find(key);
        std::vector<std::string> list;
        if (value == nullptr || value->is_string()) return list;
        if (!value->is_array()) wrong(key, *value, "a list of names");
        for (json const& item : *value) {
            if (!item.is_string()) wrong(key, item, "a list of names");
            list.push_back(item.get<std::string>());
        }
        return list;
    }
    // Of rank_pattern and alpha_pattern.
    template <class T>
    std::vector<std::pair<std::string, T>> pattern(char const* key,
                                                   T (Fields::*read)(std::string const&, json const&) const) const {
        json const* const value = find(key);
        std::vector<std::pair<std::string, T>> list;
        if (value == nullptr) return list;
        if (!value->is_object()) wrong(key, *value, "an object of names");
        for (auto const& [pattern, number] : value->items())
            list.emplace_back(ending_of(key, pattern), (this->*read)(fmt::format("{}.{}", key, pattern), number));
        return list;
    }
    std::string const& file() const { return file_; }

private:
    // The keys are regular expressions, of which names are the common ones: "q_proj", ".*\.gate_up_proj".
    std::string ending_of(char const* key, std::string const& pattern) const {
        std::string_view rest = pattern;
        for (std::string_view const lead : {"^", ".*\\."}) {
            if (rest.starts_with(lead)) rest.remove_prefix(lead.size());
        }
        std::string name;
        for (std::size_t i = 0; i < rest.size(); ++i) {
            if (rest[i] == '\\' && i + 1 < rest.size() && rest[i + 1] == '.') continue;
            bool const is_plain = std::isalnum(static_cast<unsigned char>(rest[i])) || rest[i] == '_' || rest[i] == '.';
            if (!is_plain) wrong(key, pattern, "of plain names (a regular expression may fit anything)");
            name += rest[i];
        }
        if (name.empty()) wrong(key, pattern, "of plain names");
        return name;
    }

    json const& object_;
    std::string const& file_;
};

// "0.19.1.dev0@unknown" -> 0, 19
std::optional<std::pair<int, int>> version_of(std::string_view text) {
    std::pair<int, int> version;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), version.first);
    if (error != std::errc() || end == text.data() + text.size() || *end != '.') return std::nullopt;
    auto const minor = std::from_chars(end + 1, text.data() + text.size(), version.second);
    return minor.ec == std::errc() ? std::optional(version) : std::nullopt;
}

AdapterConfig::Layout layout_of(Fields const& fields) {
    json const* const given = fields.find("peft_version");
    if (given == nullptr) return AdapterConfig::Layout::unknown;
    auto const version = given->is_string() ? version_of(given->get_ref<std::string const&>()) : std::nullopt;
    if (!version) fields.wrong("peft_version", *given, "a version of PEFT, as \"0.19.0\"");
    return *version < current_layout_since ? AdapterConfig::Layout::turned : AdapterConfig::Layout::current;
}

void refuse_others(json const& object, Fields const& fields) {
    constexpr auto read = std::to_array<std::string_view>({"peft_type", "r", "lora_alpha", "use_rslora", "rank_pattern",
                                                           "alpha_pattern", "target_modules", "target_parameters",
                                                           "peft_version", "bias", "init_lora_weights"});
    for (auto const& [key, value] : object.items()) {
        bool const is_known = std::ranges::find(read, key) != read.end();
        bool const is_harmless = std::ranges::find(without_effect, key) != without_effect.end();
        if (!is_known && !is_harmless && !asks_for_nothing(value))
            fields.wrong(printable(key), value, "null or false, since gatesweep adds a product of two matrices alone");
    }
    if (json const* const bias = fields.find("bias"); bias && *bias != "none")
        fields.wrong("bias", *bias, "\"none\", since gatesweep adds to matrices alone");
    json const* const begin = fields.find("init_lora_weights");
    bool const is_plain = begin == nullptr || begin->is_boolean() ||
                          (begin->is_string() &&
                           std::ranges::find(plain_beginnings, begin->get<std::string>()) != plain_beginnings.end());
    if (!is_plain)
        fields.wrong("init_lora_weights", *begin,
                     "true or false (others change the model's own weights before the training)");
}

}  // namespace

namespace {

// The value of the names that fit; `absent` where none does. PEFT takes the first of several, in an order that JSON
// does not keep.
template <class T>
T value_of(std::vector<std::pair<std::string, T>> const& entries, std::string const& name, T absent,
           std::string const& file) {
    std::optional<T> value;
    for (auto const& [ending, given] : entries) {
        if (!is_match(ending, name)) continue;
        GATESWEEP_VALIDATE(!value || *value == given, ExitCode::bad_data,
                           "{}: two entries of rank_pattern or alpha_pattern fit {} (which of them counts, none can "
                           "tell): remove one",
                           file, printable(name));
        value = given;
    }
    return value.value_or(absent);
}

}  // namespace

std::int64_t AdapterConfig::rank_of(std::string const& name) const {
    return value_of(ranks, name, rank, file);
}

double AdapterConfig::scale_of(std::string const& name, std::int64_t of_rank) const {
    auto const width = static_cast<double>(of_rank);
    return value_of(alphas, name, alpha, file) / (is_rank_stabilised ? std::sqrt(width) : width);
}

bool AdapterConfig::targets_parameter(std::string const& name) const {
    return std::ranges::any_of(target_parameters, [&](auto const& target) { return is_match(target, name); });
}

AdapterConfig read_adapter_config(std::filesystem::path const& file) {
    std::string const name = file.string();
    json const object = parse_strict_json(read_file(file, max_file_bytes), name);
    GATESWEEP_VALIDATE(object.is_object(), ExitCode::bad_data,
                       "{}: not a JSON object (it should hold the adapter's fields): copy the file again", name);
    Fields const fields(object, name);
    json const& type = fields.required("peft_type");
    if (type != "LORA") fields.wrong("peft_type", type, "\"LORA\" (what gatesweep computes)");
    refuse_others(object, fields);
    AdapterConfig config;
    config.file = name;
    config.rank = fields.rank("r", fields.required("r"));
    config.alpha = fields.alpha("lora_alpha", fields.required("lora_alpha"));
    config.is_rank_stabilised = fields.flag("use_rslora");
    config.ranks = fields.pattern("rank_pattern", &Fields::rank);
    config.alphas = fields.pattern("alpha_pattern", &Fields::alpha);
    config.target_modules = fields.texts("target_modules");
    config.target_parameters = fields.texts("target_parameters");
    config.layout = layout_of(fields);
    return config;
}

std::string adapter_config_text(AdapterConfig const& config) {
    ordered_json object = {{"base_model_name_or_path", nullptr},
                           {"bias", "none"},
                           {"fan_in_fan_out", false},
                           {"inference_mode", true},
                           {"init_lora_weights", true},
                           {"lora_alpha", config.alpha},
                           {"lora_dropout", 0.0},
                           {"modules_to_save", nullptr},
                           {"peft_type", "LORA"},
                           {"peft_version", "0.19.0"},
                           {"r", config.rank},
                           {"target_modules", config.target_modules},
                           {"target_parameters", nullptr},
                           {"task_type", "CAUSAL_LM"},
                           {"use_dora", false},
                           {"use_rslora", config.is_rank_stabilised}};
    if (!config.target_parameters.empty()) object["target_parameters"] = config.target_parameters;
    // PEFT expects whole numbers where they are.
    if (config.alpha == std::floor(config.alpha) && config.alpha < 1e9)
        object["lora_alpha"] = static_cast<std::int64_t>(config.alpha);
    return object.dump(2) + "\n";
}

}  // namespace gatesweep
