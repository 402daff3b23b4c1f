// The weights that one rank holds: all dense parts, and the experts of its block.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <optional>
#include <vector>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/input/checkpoint.h"
#include "gatesweep/model/adapter.h"
#include "gatesweep/model/adapter_weights.h"
#include "gatesweep/model/experts.h"
#include "gatesweep/model/model_config.h"
#include "gatesweep/model/shared_expert.h"
#include "gatesweep/model/weight_map.h"
#include "gatesweep/ops/linear.h"

namespace gatesweep {

struct LayerWeights {
    at::Tensor input_norm;             // [D]
    at::Tensor input_norm_bias;        // [D]; undefined where the model has RMSNorm
    LinearWeight qkv;                  // [(H + 2 Hkv) d, D]: q_proj, k_proj, v_proj; or [LatentRule's width, D]
    LinearWeight expand_q, expand_kv;  // of latent attention; no elements elsewhere
    at::Tensor qkv_bias;               // [(H + 2 Hkv) d]; undefined where the heads have none
    at::Tensor q_norm, k_norm;         // scales, as HeadRule or LatentRule says; undefined where there is no norm
    LinearWeight o_proj;               // [D, H d], d here of values
    at::Tensor o_bias;                 // [D]; undefined where there is none
    at::Tensor sinks;                  // [H]; undefined where attention has none
    at::Tensor post_attention_norm;    // [D]
    at::Tensor post_attention_norm_bias;
    at::Tensor gate;            // [E, D], the router's linear weight; undefined in a layer without one
    LinearWeight gate_product;  // the same, as token_linear takes it; both of RouterRule's type
    at::Tensor gate_bias;       // [E]; undefined where the logits have none
    ExpertWeights experts;      // of this rank's block
    std::optional<SharedExpert> shared;
    HeadAdapter head_adapter;            // that of the experts is with them
    std::optional<std::int64_t> window;  // of this layer's attention: ModelConfig::window_of

    bool has_adapter() const {
        return !experts.adapters.empty() || head_adapter.q || head_adapter.k || head_adapter.v || head_adapter.o;
    }
};

// Sums, modulo 2^64, of digests of the stored bytes of each piece read, and of the adapter's pairs with them: of the
// dense tensors, and of this rank's experts. Added up over the ranks of a copy they identify the weights, however the
// experts are spread.
struct WeightDigests {
    std::uint64_t dense = 0;
    std::uint64_t experts = 0;

    WeightDigests& operator+=(WeightDigests const& other) {
        dense += other.dense;
        experts += other.experts;
        return *this;
    }
    bool operator==(WeightDigests const&) const = default;
};

// A checkpoint, where its weights lie, which of its experts a rank holds, and as what.
struct WeightSource {
    Checkpoint const* checkpoint = nullptr;  // both outlive whatever reads from them
    ModelConfig const* config = nullptr;
    std::shared_ptr<WeightMap const> map;  // what validate_checkpoint found
    ExpertRange experts;
    at::ScalarType dtype = at::kFloat;
    at::Device device = at::kCPU;
    // Added to the matrices as they are read, in float32; rounded to `dtype` behind that. Null: none.
    std::shared_ptr<Adapter const> adapter = nullptr;
};

struct Weights {
    at::Tensor embedding;  // [V, D]
    std::vector<LayerWeights> layers;
    at::Tensor final_norm;       // [D]
    at::Tensor final_norm_bias;  // [D]; undefined where the model has RMSNorm
    LinearWeight lm_head;  // [V, D], with its bias; laid out on its own also when the config ties it to the embedding
    WeightDigests digests;

    at::ScalarType dtype() const { return embedding.scalar_type(); }
    at::Device device() const { return embedding.device(); }
    std::uint64_t num_bytes() const;  // on this rank
};

// Reads only the bytes of the source's experts, converts them to its type, moves them to its device, and lays each
// matrix out as it comes: at its peak, memory holds the weights and one matrix more. Errors: bad_data naming the tensor
// and how many of its values are NaN or infinite; io.
Weights load_weights(WeightSource const& source);

}  // namespace gatesweep
