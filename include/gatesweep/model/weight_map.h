// Where a checkpoint keeps each matrix of a decoder: the one list that validation, reading, sizes, plan and streaming
// go by. The file of a family fills it (src/model/families).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gatesweep/model/model_config.h"

namespace gatesweep {

enum class WeightRole {
    embedding,                 // [V, D]
    input_norm,                // [D]
    q_proj,                    // [H d, D]
    k_proj,                    // [Hkv d, D]
    v_proj,                    // [Hkv d, D]
    o_proj,                    // [D, H d], d here of values
    post_attention_norm,       // [D]
    router,                    // [E, D]
    expert_gate,               // [F, D], Mixtral's w1
    expert_down,               // [D, F], w2
    expert_up,                 // [F, D], w3
    q_bias,                    // [H d]
    k_bias,                    // [Hkv d]
    v_bias,                    // [Hkv d]
    q_norm,                    // [d] or [H d], as HeadRule says; [Rq] of latent attention
    k_norm,                    // [d] or [Hkv d]; [Rkv]
    latent_q,                  // [Rq, D], in the place of q_proj where queries have a rank
    latent_kv,                 // [Rkv + rotated d, D], in the place of k_proj and v_proj
    expand_q,                  // [H d, Rq]
    expand_kv,                 // [H (plain d + d of values), Rkv]
    o_bias,                    // [D]
    input_norm_bias,           // [D], of LayerNorm
    post_attention_norm_bias,  // [D]
    sinks,                     // [H]
    router_bias,               // [E]
    expert_gate_up,            // [2F, D], a row of gate and one of up in turn, in place of expert_gate and expert_up
    expert_gate_up_bias,       // [2F], in the same order
    expert_down_bias,          // [D]
    shared_gate,               // [S, D], of the shared expert, or of a layer without a router
    shared_down,               // [D, S]
    shared_up,                 // [S, D]
    shared_weight,             // [1, D]: a token's sigmoid of it weighs the shared expert; where weighs_shared
    final_norm,                // [D]
    final_norm_bias,           // [D]
    lm_head,                   // [V, D]
    lm_head_bias,              // [V]
};

// Which part of the model a matrix is.
struct WeightPlace {
    WeightRole role;
    std::int64_t layer = -1;   // -1: outside the layers
    std::int64_t expert = -1;  // -1: no expert's own
    auto operator<=>(WeightPlace const&) const = default;
};

// How a matrix stands in its tensor.
enum class Storing {
    rows,     // one after the other
    columns,  // one after the other
    mxfp4,    // rows of packed blocks (model/mxfp4.h); their scales are a tensor of their own
};

// A whole tensor of the checkpoint, or a consecutive part of one.
struct StoredWeight {
    std::string tensor;
    std::vector<std::int64_t> tensor_shape;
    std::uint64_t first_element = 0;  // where it begins in the tensor
    std::vector<std::int64_t> shape;  // its own
    Storing storing = Storing::rows;
    std::string scales = {};  // of MXFP4: their tensor

    std::int64_t num_elements() const;
    // On disk, where what is not packed has elements of `element_size` bytes.
    std::int64_t num_bytes(std::size_t element_size) const;
};

class WeightMap {
public:
    explicit WeightMap(std::string_view spelling) : spelling_(spelling) {}

    void add(WeightPlace const& place, std::string tensor, std::vector<std::int64_t> const& shape);
    void add(WeightPlace const& place, StoredWeight stored);

    bool has(WeightPlace const& place) const { return index_.contains(place); }
    StoredWeight const& at(WeightPlace const& place) const;  // one that it has
    // In the order of the model.
    std::vector<std::pair<WeightPlace, StoredWeight>> const& weights() const { return weights_; }
    // How the family calls this way of naming: "hub", "fused".
    std::string const& spelling() const { return spelling_; }

private:
    std::string spelling_;
    std::vector<std::pair<WeightPlace, StoredWeight>> weights_;
    std::map<WeightPlace, std::size_t> index_;
};

// By the first spelling of the family; its sizes hold for all of them.
WeightMap weight_map(ModelConfig const& config);

}  // namespace gatesweep
