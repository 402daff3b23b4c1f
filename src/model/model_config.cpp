#include "gatesweep/model/model_config.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>

#include <fmt/ranges.h>

#include "config_fields.h"
#include "families/family.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/input/strict_json.h"
#include "quantization.h"
#include "rope_fields.h"

namespace gatesweep {
namespace {

using nlohmann::json;

constexpr std::uint64_t max_file_bytes = std::uint64_t{1} << 24;
constexpr std::int64_t max_vocab = std::int64_t{1} << 24;
constexpr double max_parameters = 0x1p48;

json parse_object(std::string_view text, std::string const& file) {
    json object = parse_strict_json(text, file);
    GATESWEEP_VALIDATE(object.is_object(), ExitCode::bad_data,
                       "{}: not a JSON object (it should hold the model's fields): copy the file again", file);
    return object;
}

Family const& read_family(ConfigFields const& fields, std::string const& file) {
    json const* const type = fields.find("model_type");
    GATESWEEP_VALIDATE(type != nullptr, ExitCode::bad_data,
                       "{}: the field model_type is missing (it tells the family): copy the file again", file);
    Family const* const family = find_family(fields.text(*type, "model_type"));
    if (!family) {
        std::vector<std::string> known;
        for (Family const* one : families())
            known.push_back(fmt::format("\"{}\"{}", one->model_type, one->is_dense ? " (dense: for a judge)" : ""));
        fields.wrong("model_type", *type, fmt::format("one of {} (what gatesweep computes)", fmt::join(known, ", ")));
    }
    if (json const* const activation = fields.find("hidden_act")) {
        if (fields.text(*activation, "hidden_act") != "silu") {
            fields.wrong("hidden_act", *activation, "\"silu\" (the activation that gatesweep computes)");
        }
    }
    return *family;
}

void check_heads(ModelConfig const& config, std::string const& file) {
    GATESWEEP_VALIDATE(config.num_heads % config.num_kv_heads == 0, ExitCode::bad_data,
                       "{}: num_attention_heads {} is not a multiple of num_key_value_heads {} (heads share keys in "
                       "equal groups): correct the file",
                       file, config.num_heads, config.num_kv_heads);
    GATESWEEP_VALIDATE(config.head_dim % 2 == 0, ExitCode::bad_data,
                       "{}: head_dim {} is odd (the rotary embedding turns pairs): correct the file", file,
                       config.head_dim);
    GATESWEEP_VALIDATE(config.num_heads * config.head_dim <= max_config_width, ExitCode::bad_data,
                       "{}: {} heads of head_dim {} are wider than {} (no such model exists): correct the file", file,
                       config.num_heads, config.head_dim, max_config_width);
}

void read_heads(ModelConfig& config, Family const& family, ConfigFields const& fields, std::string const& file) {
    config.num_heads = fields.required({"num_attention_heads"}, max_config_count);
    // Absent and null differ here, as in transformers: the default of the class, or one key head per query head.
    bool const is_class_default = !fields.contains("num_key_value_heads") && family.default_kv_heads > 0;
    config.num_kv_heads = fields.size_or(
        "num_key_value_heads", is_class_default ? family.default_kv_heads : config.num_heads, max_config_count);
    if (json const* const head_dim = fields.find("head_dim")) {
        config.head_dim = fields.integer(*head_dim, "head_dim", 1, max_config_width);
    } else if (family.default_head_dim > 0 && !fields.contains("head_dim")) {
        config.head_dim = family.default_head_dim;
    } else {
        GATESWEEP_VALIDATE(config.hidden_size % config.num_heads == 0, ExitCode::bad_data,
                           "{}: hidden_size {} is not a multiple of num_attention_heads {} (head_dim follows from them "
                           "where it is not given): correct the file",
                           file, config.hidden_size, config.num_heads);
        config.head_dim = config.hidden_size / config.num_heads;
    }
    check_heads(config, file);
}

void read_tokens(ModelConfig& config, json const& object, ConfigFields const& fields) {
    json const* const bos = fields.find("bos_token_id");
    std::int64_t const bos_id =
        bos == nullptr ? config.bos_token_id : fields.integer(*bos, "bos_token_id", 0, config.vocab_size - 1);
    if (bos_id >= config.vocab_size)
        fields.wrong("vocab_size", json(config.vocab_size), "more than the default bos id");
    config.bos_token_id = static_cast<std::int32_t>(bos_id);
    if (json const* const eos = fields.find("eos_token_id")) {
        config.eos_token_ids = fields.token_ids(*eos, "eos_token_id", config.vocab_size);
    } else if (object.contains("eos_token_id")) {
        config.eos_token_ids.clear();
    } else if (!config.eos_token_ids.empty() && config.vocab_size <= config.eos_token_ids.front()) {
        fields.wrong("vocab_size", json(config.vocab_size),
                     fmt::format("more than the default eos id, {}", config.eos_token_ids.front()));
    }
}

}  // namespace

ModelConfig parse_model_config(std::string_view text, std::string const& file_name) {
    json const object = parse_object(text, file_name);
    ConfigFields const fields(object, file_name);
    Family const& family = read_family(fields, file_name);

    ModelConfig config;
    config.family = family.model_type;
    config.mxfp4_experts = reads_mxfp4(fields, family);
    if (json const* const dtype = fields.find_any({"torch_dtype", "dtype"}))
        config.stored_dtype = fields.text(*dtype, "torch_dtype");
    config.vocab_size = fields.required({"vocab_size"}, max_vocab);
    config.hidden_size = fields.required({"hidden_size"}, max_config_width);
    config.intermediate_size = fields.required({"intermediate_size"}, max_config_width);
    config.num_layers = fields.required({"num_hidden_layers"}, max_config_count);
    read_heads(config, family, fields, file_name);
    config.max_position_embeddings = 131072;
    family.read_config(fields, config);
    config.max_position_embeddings =
        fields.size_or("max_position_embeddings", config.max_position_embeddings, max_config_positions);
    if (json const* const eps = fields.find("rms_norm_eps")) {
        // Added to a float32 mean of squares, so a smaller one would be no number there.
        config.rms_norm_eps = fields.real(*eps, "rms_norm_eps", std::numeric_limits<float>::min(), 0.999);
    }
    read_rope(fields, family.rope, config);
    config.tie_word_embeddings = fields.flag_or("tie_word_embeddings", false);
    read_tokens(config, object, fields);
    double const parameters = 3.0 * static_cast<double>(config.num_layers) * static_cast<double>(config.num_experts) *
                              static_cast<double>(config.hidden_size) * static_cast<double>(config.intermediate_size);
    GATESWEEP_VALIDATE(parameters <= max_parameters, ExitCode::bad_data,
                       "{}: hidden_size, intermediate_size, num_hidden_layers and num_local_experts together ask for "
                       "{:.3g} parameters (no such model exists): correct the file",
                       file_name, parameters);
    return config;
}

std::vector<std::int64_t> ModelConfig::sparse_layers() const {
    std::vector<std::int64_t> layers;
    for (std::int64_t l = 0; l < num_layers; ++l) {
        if (!is_dense(l)) layers.push_back(l);
    }
    return layers;
}

std::string_view family_title(ModelConfig const& config) {
    return family_of(config.family).title;
}

std::string layers_text(ModelConfig const& config) {
    return config.dense_layers.empty()
               ? fmt::format("{} layers", config.num_layers)
               : fmt::format("{} layers ({} with a router)", config.num_layers, config.num_sparse_layers());
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
    ConfigFields const fields(object, name);
    if (json const* const eos = fields.find("eos_token_id")) {
        config.eos_token_ids = fields.token_ids(*eos, "eos_token_id", config.vocab_size);
    }
    return config;
}

}  // namespace gatesweep
