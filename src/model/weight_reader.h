// Reads a rank's weights from a checkpoint, one part of the model at a time.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "adapter_product.h"
#include "gatesweep/model/weights.h"

namespace gatesweep {

class WeightReader {
public:
    explicit WeightReader(WeightSource const& source);

    at::Tensor embedding();
    LayerWeights layer(std::int64_t layer);
    at::Tensor final_norm();
    at::Tensor final_norm_bias();  // undefined where there is none
    LinearWeight lm_head();        // of a model that does not tie it to the embedding
    LinearWeight tied_head(at::Tensor const& embedding);

    // Of what was read since the last call.
    WeightDigests take_digests();

private:
    // With what the adapter adds. `to`: the weight's shape, or with its rows spread over two dimensions.
    void read(WeightPlace const& place, at::Tensor const& to, std::uint64_t& digest);
    void read_mxfp4(StoredWeight const& weight, AdapterProduct const& product, at::Tensor const& to,
                    std::uint64_t& digest);
    void refuse_non_finite(at::Tensor const& values, std::string const& tensor) const;
    void refuse_non_finite_sum(at::Tensor const& values, std::string const& tensor) const;
    // Consecutive bytes of a tensor.
    at::Tensor read_bytes(std::string const& tensor, std::uint64_t first, std::int64_t count, std::uint64_t& digest);
    at::Tensor whole(WeightPlace const& place);
    at::Tensor whole(WeightPlace const& place, at::ScalarType dtype);
    at::Tensor head_bias();  // undefined where there is none
    // The matrices or vectors of these roles, below each other.
    at::Tensor stacked(std::int64_t layer, std::initializer_list<WeightRole> roles);
    // Queries, keys and values, their norms and biases.
    void read_heads(std::int64_t layer, LayerWeights& w);
    void read_latent_heads(std::int64_t layer, LayerWeights& w);
    SharedExpert shared(std::int64_t layer);
    ExpertWeights experts(std::int64_t layer);
    void read_expert(std::int64_t layer, std::int64_t expert, at::Tensor const& gate_up, at::Tensor const& down);
    // A vector of every expert here, [e,n], with the rows of gate before those of up where there are both.
    at::Tensor expert_vectors(std::int64_t layer, WeightRole role);

    WeightSource source_;
    at::TensorOptions options_;
    WeightDigests digests_;
};

}  // namespace gatesweep
