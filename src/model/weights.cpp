#include "gatesweep/model/weights.h"

#include <utility>

#include "gatesweep/base/activity.h"
#include "weight_reader.h"

namespace gatesweep {

std::uint64_t Weights::num_bytes() const {
    std::uint64_t bytes = embedding.nbytes() + final_norm.nbytes() + lm_head.num_bytes();
    if (lm_head.data().is_same(embedding)) bytes -= embedding.nbytes();
    if (final_norm_bias.defined()) bytes += final_norm_bias.nbytes();
    for (auto const& w : layers) {
        bytes += w.input_norm.nbytes() + w.post_attention_norm.nbytes() + w.qkv.num_bytes() + w.o_proj.num_bytes();
        for (LinearWeight const* expand : {&w.expand_q, &w.expand_kv})
            bytes += expand->num_outputs() > 0 ? expand->num_bytes() : 0;
        for (at::Tensor const* vector :
             {&w.qkv_bias, &w.q_norm, &w.k_norm, &w.o_bias, &w.sinks, &w.gate, &w.gate_bias, &w.input_norm_bias,
              &w.post_attention_norm_bias, &w.experts.gate_up_bias, &w.experts.down_bias})
            bytes += vector->defined() ? vector->nbytes() : 0;
        if (w.shared) bytes += w.shared->gate_up.num_bytes() + w.shared->down.num_bytes();
        if (w.shared && w.shared->weigher) bytes += w.shared->weigher->num_bytes();
        if (w.gate_product.is_laid_out()) bytes += w.gate_product.num_bytes();
        for (auto const* matrices : {&w.experts.gate_up, &w.experts.down}) {
            for (LinearWeight const& matrix : *matrices)
                bytes += matrix.num_bytes();
        }
    }
    return bytes;
}

Weights load_weights(WeightSource const& source) {
    ModelConfig const& config = *source.config;
    WeightReader reader(source);
    Weights weights;
    weights.embedding = reader.embedding();
    for (std::int64_t l = 0; l < config.num_layers; ++l) {
        note_step();
        weights.layers.push_back(reader.layer(l));
    }
    weights.final_norm = reader.final_norm();
    weights.final_norm_bias = reader.final_norm_bias();
    weights.lm_head = config.tie_word_embeddings ? reader.tied_head(weights.embedding) : reader.lm_head();
    weights.digests = reader.take_digests();
    return weights;
}

}  // namespace gatesweep
