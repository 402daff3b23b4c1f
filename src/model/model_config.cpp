#include "gatesweep/model/model_config.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/input/strict_json.h"

namespace gatesweep {
namespace {

using nlohmann::json;

constexpr std::uint64_t max_file_bytes = std::uint64_t{1} << 24;
// Bounds far above any model, so that no product of sizes and no count of bytes can overflow 64 bits.
constexpr std::int64_t max_width = std::int64_t{1} << 20;
constexpr std::int64_t max_count = std::int64_t{1} << 12;
constexpr std::int64_t max_vocab = std::int64_t{1} << 24;
constexpr std::int64_t max_positions = std::int64_t{1} << 31;
constexpr double max_parameters = 0x1p48;

// The fields of one JSON object; a null counts as absent.
class Fields {
public:
    Fields(json const& object, std::string const& file, std::string const& prefix = "")
        : object_(object), file_(file), prefix_(prefix) {}

    json const* find(std::string const& key) const {
        auto const found = object_.find(key);
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }

    // The one value of a field that goes by several names; null when none is given.
    json const* find_any(std::initializer_list<char const*> keys) const {
        json const* value = nullptr;
        char const* given_as = nullptr;
        for (char const* key : keys) {
            json const* const other = find(key);
            if (other == nullptr) continue;
            GATESWEEP_VALIDATE(value == nullptr || *value == *other, ExitCode::bad_data,
                               "{}: {}{} and {}{} differ (they are two names of one field): remove one", file_, prefix_,
                               given_as, prefix_, key);
            value = other;
            given_as = key;
        }
        return value;
    }

    std::int64_t integer(json const& value, std::string const& key, std::int64_t low, std::int64_t high) const {
        bool const in_range = value.is_number_unsigned() && value.get<std::uint64_t>() <= std::uint64_t(high) &&
                              value.get<std::int64_t>() >= low;
        if (!in_range) wrong(key, value, fmt::format("an integer from {} to {}", low, high));
        return value.get<std::int64_t>();
    }
    std::int64_t required(std::initializer_list<char const*> keys, std::int64_t high) const {
        json const* const value = find_any(keys);
        GATESWEEP_VALIDATE(value != nullptr, ExitCode::bad_data,
                           "{}: the field {}{} is missing (the model's size depends on it): copy the file again", file_,
                           prefix_, *keys.begin());
        return integer(*value, *keys.begin(), 1, high);
    }
    std::int64_t size_or(char const* key, std::int64_t absent, std::int64_t high) const {
        json const* const value = find(key);
        return value == nullptr ? absent : integer(*value, key, 1, high);
    }
    double real(json const& value, std::string const& key, double low, double high) const {
        bool const in_range = value.is_number() && value.get<double>() >= low && value.get<double>() <= high;
        if (!in_range) wrong(key, value, fmt::format("a number from {:.6g} to {:.6g}", low, high));
        return value.get<double>();
    }
    std::string text(json const& value, std::string const& key) const {
        if (!value.is_string()) wrong(key, value, "a string");
        return value.get<std::string>();
    }

    [[noreturn]] void wrong(std::string const& key, json const& value, std::string const& wanted) const {
        // Whole values are not dumped: they are as deep and as long as whoever wrote the file liked.
        std::string const shown = value.is_string()       ? '"' + printable(value.get_ref<std::string const&>()) + '"'
                                  : value.is_structured() ? std::string(value.type_name())
                                                          : value.dump();
        fail(ExitCode::bad_data, "{}: {}{} is {}, but must be {}: correct the file or choose another model", file_,
             prefix_, key, shown, wanted);
    }

private:
    json const& object_;
    std::string const& file_;
    std::string prefix_;
};

json parse_object(std::string_view text, std::string const& file) {
    json object = parse_strict_json(text, file);
    GATESWEEP_VALIDATE(object.is_object(), ExitCode::bad_data,
                       "{}: not a JSON object (it should hold the model's fields): copy the file again", file);
    return object;
}

void check_family(Fields const& fields, std::string const& file) {
    json const* const type = fields.find("model_type");
    GATESWEEP_VALIDATE(type != nullptr, ExitCode::bad_data,
                       "{}: the field model_type is missing (it tells the family): copy the file again", file);
    std::string const family = fields.text(*type, "model_type");
    if (family != "mixtral" && family != "mistral") {
        fields.wrong("model_type", *type, "\"mixtral\", or \"mistral\" for a judge (what gatesweep computes)");
    }
    if (json const* const activation = fields.find("hidden_act")) {
        if (fields.text(*activation, "hidden_act") != "silu") {
            fields.wrong("hidden_act", *activation, "\"silu\" (the activation that gatesweep computes)");
        }
    }
    GATESWEEP_VALIDATE(fields.find("quantization_config") == nullptr, ExitCode::bad_data,
                       "{}: quantization_config is given (quantized weights cannot be read): use the unquantized "
                       "checkpoint",
                       file);
}

// theta of one rotary dictionary; null when it gives none. Everything but the default rotation is refused.
json const* theta_of(Fields const& fields, std::string const& key, std::string const& file) {
    json const* const rope = fields.find(key);
    if (rope == nullptr) return nullptr;
    if (!rope->is_object()) fields.wrong(key, *rope, "an object");
    Fields const inner(*rope, file, key + ".");
    if (json const* const type = inner.find_any({"rope_type", "type"})) {
        if (inner.text(*type, "rope_type") != "default") {
            inner.wrong("rope_type", *type, "\"default\" (the only rotary embedding that gatesweep computes)");
        }
    }
    for (auto const& [name, value] : rope->items()) {
        bool const known = name == "rope_type" || name == "type" || name == "rope_theta" || value.is_null();
        GATESWEEP_VALIDATE(
            known, ExitCode::bad_data,
            "{}: {}.{} asks for a rotary embedding that gatesweep does not compute: choose another model", file, key,
            printable(name));
    }
    return inner.find("rope_theta");
}

double rope_theta(Fields const& fields, std::string const& file, double theta) {
    char const* given_as = nullptr;
    auto const take = [&](json const* value, char const* name) {
        if (value == nullptr) return;
        // The rotation's frequencies are computed in float32.
        double const given =
            fields.real(*value, name, std::numeric_limits<float>::min(), std::numeric_limits<float>::max());
        GATESWEEP_VALIDATE(given_as == nullptr || given == theta, ExitCode::bad_data,
                           "{}: {} and {} differ (they are two names of one field): remove one", file, given_as, name);
        theta = given;
        given_as = name;
    };
    take(fields.find("rope_theta"), "rope_theta");
    take(theta_of(fields, "rope_parameters", file), "rope_parameters.rope_theta");
    take(theta_of(fields, "rope_scaling", file), "rope_scaling.rope_theta");
    return theta;
}

// An id or a list of ids, each once, in the order given.
std::vector<std::int32_t> token_ids(Fields const& fields, json const& value, std::string const& key,
                                    std::int64_t vocab_size) {
    std::vector<std::int32_t> ids;
    auto const add = [&](json const& item) {
        auto const id = static_cast<std::int32_t>(fields.integer(item, key, 0, vocab_size - 1));
        if (std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
    };
    if (!value.is_array()) {
        add(value);
        return ids;
    }
    if (value.empty() || value.size() > 1024) fields.wrong(key, value, "an id or a list of 1 to 1024 ids");
    for (auto const& item : value)
        add(item);
    return ids;
}

void check_heads(ModelConfig const& config, std::string const& file) {
    GATESWEEP_VALIDATE(config.num_heads % config.num_kv_heads == 0, ExitCode::bad_data,
                       "{}: num_attention_heads {} is not a multiple of num_key_value_heads {} (heads share keys in "
                       "equal groups): correct the file",
                       file, config.num_heads, config.num_kv_heads);
    GATESWEEP_VALIDATE(config.head_dim % 2 == 0, ExitCode::bad_data,
                       "{}: head_dim {} is odd (the rotary embedding turns pairs): correct the file", file,
                       config.head_dim);
    GATESWEEP_VALIDATE(config.num_heads * config.head_dim <= max_width, ExitCode::bad_data,
                       "{}: {} heads of head_dim {} are wider than {} (no such model exists): correct the file", file,
                       config.num_heads, config.head_dim, max_width);
}

void read_heads(ModelConfig& config, json const& object, Fields const& fields, std::string const& file) {
    config.num_heads = fields.required({"num_attention_heads"}, max_count);
    // Absent and null differ here, as in transformers: the default of the class, or one key head per query head.
    config.num_kv_heads =
        fields.size_or("num_key_value_heads", object.contains("num_key_value_heads") ? config.num_heads : 8, max_count);
    if (json const* const head_dim = fields.find("head_dim")) {
        config.head_dim = fields.integer(*head_dim, "head_dim", 1, max_width);
    } else {
        GATESWEEP_VALIDATE(config.hidden_size % config.num_heads == 0, ExitCode::bad_data,
                           "{}: hidden_size {} is not a multiple of num_attention_heads {} (head_dim follows from them "
                           "where it is not given): correct the file",
                           file, config.hidden_size, config.num_heads);
        config.head_dim = config.hidden_size / config.num_heads;
    }
    check_heads(config, file);
}

void read_experts(ModelConfig& config, Fields const& fields, std::string const& file) {
    config.num_experts = fields.required({"num_local_experts", "num_experts"}, max_count);
    config.top_k = fields.required({"num_experts_per_tok"}, max_count);
    GATESWEEP_VALIDATE(config.top_k <= config.num_experts, ExitCode::bad_data,
                       "{}: num_experts_per_tok {} is more than num_local_experts {} (a token cannot use an expert "
                       "twice): correct the file",
                       file, config.top_k, config.num_experts);
}

void read_tokens(ModelConfig& config, json const& object, Fields const& fields) {
    json const* const bos = fields.find("bos_token_id");
    std::int64_t const bos_id =
        bos == nullptr ? config.bos_token_id : fields.integer(*bos, "bos_token_id", 0, config.vocab_size - 1);
    if (bos_id >= config.vocab_size)
        fields.wrong("vocab_size", json(config.vocab_size), "more than the default bos id");
    config.bos_token_id = static_cast<std::int32_t>(bos_id);
    if (json const* const eos = fields.find("eos_token_id")) {
        config.eos_token_ids = token_ids(fields, *eos, "eos_token_id", config.vocab_size);
    } else if (object.contains("eos_token_id")) {
        config.eos_token_ids.clear();
    } else if (config.vocab_size <= 2) {
        fields.wrong("vocab_size", json(config.vocab_size), "more than the default eos id, 2");
    }
}

}  // namespace

std::int64_t ModelConfig::num_parameters() const {
    std::int64_t const embeddings = (tie_word_embeddings ? 1 : 2) * vocab_size * hidden_size;
    std::int64_t const attention = 2 * hidden_size * head_dim * (num_heads + num_kv_heads);
    std::int64_t const router = dense ? 0 : num_experts * hidden_size;
    std::int64_t const experts = num_experts * hidden_size * 3 * intermediate_size + router;
    return embeddings + num_layers * (attention + experts + 2 * hidden_size) + hidden_size;
}

ModelConfig parse_model_config(std::string_view text, std::string const& file_name) {
    json const object = parse_object(text, file_name);
    Fields const fields(object, file_name);
    check_family(fields, file_name);

    ModelConfig config;
    config.dense = fields.find("model_type")->get<std::string>() == "mistral";
    config.vocab_size = fields.required({"vocab_size"}, max_vocab);
    config.hidden_size = fields.required({"hidden_size"}, max_width);
    config.intermediate_size = fields.required({"intermediate_size"}, max_width);
    config.num_layers = fields.required({"num_hidden_layers"}, max_count);
    read_heads(config, object, fields, file_name);
    if (config.dense) {
        config.num_experts = config.top_k = 1;
        config.rms_norm_eps = 1e-6;  // the class's defaults, where the file is silent
        config.sliding_window = object.contains("sliding_window") ? std::nullopt : std::optional<std::int64_t>(4096);
    } else {
        read_experts(config, fields, file_name);
    }
    config.max_position_embeddings = fields.size_or("max_position_embeddings", 131072, max_positions);
    if (fields.find("sliding_window") != nullptr) {
        config.sliding_window = fields.size_or("sliding_window", 1, max_positions);
    }
    if (json const* const eps = fields.find("rms_norm_eps")) {
        // Added to a float32 mean of squares, so a smaller one would be no number there.
        config.rms_norm_eps = fields.real(*eps, "rms_norm_eps", std::numeric_limits<float>::min(), 0.999);
    }
    config.rope_theta = rope_theta(fields, file_name, config.dense ? 1e4 : 1e6);
    if (json const* const tied = fields.find("tie_word_embeddings")) {
        if (!tied->is_boolean()) fields.wrong("tie_word_embeddings", *tied, "true or false");
        config.tie_word_embeddings = tied->get<bool>();
    }
    read_tokens(config, object, fields);
    if (json const* const dtype = fields.find_any({"torch_dtype", "dtype"})) {
        config.stored_dtype = fields.text(*dtype, "torch_dtype");
    }
    double const parameters = 3.0 * static_cast<double>(config.num_layers) * static_cast<double>(config.num_experts) *
                              static_cast<double>(config.hidden_size) * static_cast<double>(config.intermediate_size);
    GATESWEEP_VALIDATE(parameters <= max_parameters, ExitCode::bad_data,
                       "{}: hidden_size, intermediate_size, num_hidden_layers and num_local_experts together ask for "
                       "{:.3g} parameters (no such model exists): correct the file",
                       file_name, parameters);
    return config;
}

ModelConfig load_model_config(std::filesystem::path const& folder) {
    std::filesystem::path const path = folder / "config.json";
    std::error_code ignored;
    GATESWEEP_VALIDATE(std::filesystem::exists(path, ignored), ExitCode::input_missing,
                       "{}: there is no config.json (it tells the model's shape): name the folder of a downloaded "
                       "checkpoint",
                       folder.string());
    ModelConfig config = parse_model_config(read_file(path, max_file_bytes), path.string());
    std::filesystem::path const generation = folder / "generation_config.json";
    if (!std::filesystem::exists(generation, ignored)) return config;
    std::string const name = generation.string();
    json const object = parse_object(read_file(generation, max_file_bytes), name);
    Fields const fields(object, name);
    if (json const* const eos = fields.find("eos_token_id")) {
        config.eos_token_ids = token_ids(fields, *eos, "eos_token_id", config.vocab_size);
    }
    return config;
}

}  // namespace gatesweep
