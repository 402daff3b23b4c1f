// Hyper-parameters of a Mixtral-format model, from config.json in its transformers v4 and v5 spellings. A dense
// Mistral-type model (a judge, say) is the same decoder with one expert that every token goes to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/input/checkpoint.h"

namespace gatesweep {

struct ModelConfig {
    std::int64_t vocab_size = 0;         // V
    std::int64_t hidden_size = 0;        // D
    std::int64_t intermediate_size = 0;  // F
    std::int64_t num_layers = 0;         // L
    std::int64_t num_heads = 0;
    std::int64_t num_kv_heads = 0;
    std::int64_t head_dim = 0;
    std::int64_t num_experts = 0;  // E (config.json calls it num_local_experts)
    std::int64_t top_k = 0;        // K (num_experts_per_tok)
    std::int64_t max_position_embeddings = 0;
    std::optional<std::int64_t> sliding_window;  // visible keys including the token itself
    double rms_norm_eps = 1e-5;
    double rope_theta = 1e6;
    bool tie_word_embeddings = false;
    bool dense = false;  // model_type mistral: no router, num_experts = top_k = 1
    std::int32_t bos_token_id = 1;
    std::vector<std::int32_t> eos_token_ids = {2};
    std::string stored_dtype;  // torch_dtype / dtype of the file, informational: "bfloat16", ...

    std::int64_t num_parameters() const;
};

// How the experts of a checkpoint are named.
enum class ExpertLayout {
    hub,    // model.layers.l.block_sparse_moe.experts.e.w1|w2|w3.weight
    fused,  // model.layers.l.mlp.experts.gate_up_proj [E,2F,D], .down_proj [E,D,F]
    dense,  // model.layers.l.mlp.gate_proj|down_proj|up_proj.weight, no router
};

// Errors: input_missing, bad_data with the field's name; a field that asks for something not implemented
// (another model_type, an activation other than silu, a rope type other than default) is bad_data too.
ModelConfig parse_model_config(std::string_view json, std::string const& file_name);
// Reads config.json (and generation_config.json's eos ids, where it has them) of a checkpoint folder.
ModelConfig load_model_config(std::filesystem::path const& folder);

// Checks that the checkpoint holds exactly the tensors that the config calls for, each with its shape and a float type
// (F32, F16, BF16). Errors: bad_data naming the tensor, its shape and the shape the config asks for.
ExpertLayout validate_checkpoint(Checkpoint const& checkpoint, ModelConfig const& config);

// Tensor names, hub spelling; the fused layout differs where noted.
std::string layer_tensor(std::int64_t layer, std::string_view suffix);  // "model.layers.3." + suffix
std::string gate_tensor(ExpertLayout layout, std::int64_t layer);
// Where the rows of one projection of one expert lie: a tensor and the byte range within it.
enum class ExpertMatrix { w1, w2, w3 };  // gate [F,D], down [D,F], up [F,D]
struct TensorSlice {
    std::string tensor;
    std::uint64_t first_element = 0;
    std::uint64_t num_elements = 0;
};
TensorSlice expert_slice(ExpertLayout layout, ModelConfig const& config, std::int64_t layer, std::int64_t expert,
                         ExpertMatrix matrix);

}  // namespace gatesweep
