// Hyper-parameters of a decoder, from config.json in its transformers v4 and v5 spellings. A dense model (a judge, say)
// is the same decoder with one expert that every token goes to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/ops/gate_rule.h"
#include "gatesweep/terms/rope_scaling.h"

namespace gatesweep {

// How a token finds its experts.
struct RouterRule {
    enum class Choice {
        none,           // a dense model: no router
        softmax_top_k,  // softmax over all experts, the K largest
        sparsemixer,    // the two largest logits, each weighed among those near to it (ops/router.h)
        top_k_softmax,  // the K largest logits, softmax over these alone
    };
    Choice choice = Choice::softmax_top_k;
    bool renormalise = true;  // the weights of the chosen sum to one
    double scale = 1.0;       // and are multiplied by this
    // Experts are in groups of equal size, by ascending id. A token chooses among the experts of those `kept_groups`
    // groups whose best experts are the most probable ones.
    std::int64_t num_groups = 1, kept_groups = 1;
    bool in_float32 = false;  // logits are computed in float32, in models of 16 bits too
    double threshold = 0.0;   // of sparsemixer
    bool has_bias = false;    // of the logits
};

// What happens to queries, keys and values between their products and the rotation, in this order.
struct HeadRule {
    // Queries and keys are divided by their root mean square and scaled.
    enum class Norm {
        none,
        each,   // every head by itself, all heads with one scale [d]
        width,  // all heads of a token together, scales [H d] and [Hkv d]
    };
    bool has_bias = false;  // q, k and v
    Norm norm = Norm::none;
    std::optional<double> clip;    // no value of q, k and v is further from zero
    bool has_output_bias = false;  // of what comes after attention
    bool has_sinks = false;        // ops/attention.h

    // Whether what the products and biases gave is not what is rotated.
    bool changes_values() const { return norm != Norm::none || clip; }
};

// Keys and values by way of a product with few outputs, and queries too where they have a rank (multi-head latent
// attention). A head's queries and keys are `plain_dim` values that are not rotated and `rotated_dim` that are; those
// of the keys are the same for all heads. Values are narrower than keys, whose width is head_dim.
// Scores are multiplied by the square of YaRN's magnitude for mscale_all_dim, where the model names one.
struct LatentRule {
    std::int64_t query_rank = 0;  // 0: queries are a product of the hidden states
    std::int64_t key_value_rank = 0;
    std::int64_t plain_dim = 0, rotated_dim = 0, value_dim = 0;
    double eps = 1e-6;  // of the norms before the products that make heads

    // Outputs of the product of the hidden states.
    std::int64_t num_queries(std::int64_t num_heads) const {
        return query_rank > 0 ? query_rank : num_heads * (plain_dim + rotated_dim);
    }
    std::int64_t width(std::int64_t num_heads) const { return num_queries(num_heads) + key_value_rank + rotated_dim; }
};

struct ModelConfig {
    std::string family = "mixtral";      // model_type of config.json: a row of model/families
    std::int64_t vocab_size = 0;         // V
    std::int64_t hidden_size = 0;        // D
    std::int64_t intermediate_size = 0;  // F, of an expert
    std::int64_t num_layers = 0;         // L
    std::int64_t num_heads = 0;
    std::int64_t num_kv_heads = 0;
    std::int64_t head_dim = 0;
    std::int64_t num_experts = 0;  // E (config.json calls it num_local_experts)
    std::int64_t top_k = 0;        // K (num_experts_per_tok)
    std::int64_t max_position_embeddings = 0;
    std::optional<std::int64_t> sliding_window;  // visible keys including the token itself
    std::vector<std::int64_t> full_layers = {};  // those that see all keys nevertheless, ascending
    double rms_norm_eps = 1e-5;
    bool has_layer_norm = false;  // with biases, in the place of RMSNorm
    double rope_theta = 1e6;
    RopeScaling rope_scaling;
    bool tie_word_embeddings = false;
    bool has_head_bias = false;  // of the output layer
    RouterRule router;
    HeadRule heads;
    std::optional<LatentRule> latent;
    std::int64_t shared_size = 0;                 // F of the expert that every token goes to besides; 0: none
    bool weighs_shared = true;                    // by the sigmoid of a product of its own
    std::vector<std::int64_t> dense_layers = {};  // without a router, ascending
    std::int64_t dense_size = 0;                  // F of those
    std::int32_t bos_token_id = 1;
    std::vector<std::int32_t> eos_token_ids = {2};
    GateRule gate;                 // of every expert
    bool has_expert_bias = false;  // of both products of an expert
    bool mxfp4_experts = false;    // model/mxfp4.h: how their matrices are stored
    std::string stored_dtype;      // torch_dtype / dtype of the file, informational: "bfloat16", ...

    std::int64_t rotary_dim() const { return latent ? latent->rotated_dim : head_dim; }
    std::int64_t value_dim() const { return latent ? latent->value_dim : head_dim; }
    bool has_router() const { return router.choice != RouterRule::Choice::none; }
    bool is_dense(std::int64_t layer) const { return std::ranges::binary_search(dense_layers, layer); }
    // The window of a layer's attention.
    std::optional<std::int64_t> window_of(std::int64_t layer) const {
        return std::ranges::binary_search(full_layers, layer) ? std::nullopt : sliding_window;
    }
    // The layers that are not dense: what rows of signals belong to. All of them in a model without a router.
    std::vector<std::int64_t> sparse_layers() const;
    std::int64_t num_sparse_layers() const { return num_layers - std::ssize(dense_layers); }
};

// Errors: input_missing, bad_data with the field's name; a field that asks for something not implemented
// (another model_type, an activation other than silu, a rope type that is not the family's) is bad_data too.
ModelConfig parse_model_config(std::string_view json, std::string const& file_name);
// Reads config.json (and generation_config.json's eos ids, where it has them) of a checkpoint folder.
ModelConfig load_model_config(std::filesystem::path const& folder);

// "Mixtral", for people.
std::string_view family_title(ModelConfig const& config);
// "32 layers", "4 layers (2 with a router)".
std::string layers_text(ModelConfig const& config);

}  // namespace gatesweep
