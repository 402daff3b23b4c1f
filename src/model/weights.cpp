#include "gatesweep/model/weights.h"

#include <string>
#include <utility>

#include "gatesweep/base/activity.h"
#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

class Reader {
public:
    Reader(Checkpoint const& checkpoint, at::ScalarType dtype, at::Device device)
        : checkpoint_(checkpoint), options_(at::TensorOptions(dtype).device(device)) {}

    at::TensorOptions options() const { return options_; }

    // `count` elements of a tensor from element `first`, into `to` (contiguous, of as many elements).
    void read(std::string const& name, std::uint64_t first, at::Tensor to) {
        note_step();
        TensorEntry const& entry = checkpoint_.entry(name);
        at::Tensor const stored = at::empty({to.numel()}, stored_type(entry));
        std::uint64_t const element = static_cast<std::uint64_t>(entry.type.bits / 8);
        checkpoint_.read(name, first * element, {static_cast<std::byte*>(stored.data_ptr()), stored.nbytes()});
        refuse_non_finite(name, stored);
        add_to_digest(name, first, stored);
        to.view(-1).copy_(stored);
    }

    at::Tensor whole(std::string const& name) {
        at::Tensor result = at::empty(checkpoint_.entry(name).shape, options_);
        read(name, 0, result);
        return result;
    }

    std::uint64_t take_digest() { return std::exchange(digest_, 0); }

private:
    void add_to_digest(std::string const& name, std::uint64_t first, at::Tensor const& stored) {
        FastDigest piece;
        piece.add(name).add(std::to_string(first)).add({static_cast<std::byte const*>(stored.const_data_ptr()), stored.nbytes()});
        digest_ += std::stoull(piece.hex().substr(0, 16), nullptr, 16);
    }

    static at::ScalarType stored_type(TensorEntry const& entry) {
        if (entry.type.name == "BF16") return at::kBFloat16;
        return entry.type.name == "F16" ? at::kHalf : at::kFloat;
    }

    void refuse_non_finite(std::string const& name, at::Tensor const& stored) const {
        // NaN and infinity survive a sum of zero products, finite values do not.
        if (stored.mul(0).sum(at::kFloat).item<float>() == 0.0F) return;
        std::int64_t const bad = stored.isfinite().logical_not().sum().item<std::int64_t>();
        fail(ExitCode::bad_data,
             "tensor {} in {} holds {} value{} that {} NaN or infinite (every result would be wrong): the checkpoint is damaged; "
             "copy it again",
             name, checkpoint_.file_of(name), bad, bad == 1 ? "" : "s", bad == 1 ? "is" : "are");
    }

    Checkpoint const& checkpoint_;
    at::TensorOptions options_;
    std::uint64_t digest_ = 0;
};

LinearWeight read_qkv(Reader& reader, ModelConfig const& c, std::int64_t layer) {
    std::int64_t const q_rows = c.num_heads * c.head_dim, kv_rows = c.num_kv_heads * c.head_dim;
    at::Tensor qkv = at::empty({q_rows + 2 * kv_rows, c.hidden_size}, reader.options());
    reader.read(layer_tensor(layer, "self_attn.q_proj.weight"), 0, qkv.slice(0, 0, q_rows));
    reader.read(layer_tensor(layer, "self_attn.k_proj.weight"), 0, qkv.slice(0, q_rows, q_rows + kv_rows));
    reader.read(layer_tensor(layer, "self_attn.v_proj.weight"), 0, qkv.slice(0, q_rows + kv_rows));
    return LinearWeight(qkv);
}

ExpertWeights read_experts(Reader& reader, ModelConfig const& c, ExpertLayout layout, std::int64_t layer,
                           ExpertRange range) {
    std::int64_t const f = c.intermediate_size, d = c.hidden_size;
    ExpertWeights experts;
    // On the CPU a weight is laid out anew when it is read; elsewhere a layer's experts stand behind each other, so that
    // one product can take them all (grouped_linear).
    bool const together = !reader.options().device().is_cpu();
    std::int64_t const block = together ? range.count : 1;
    at::Tensor gate_up_block, down_block;
    for (std::int64_t x = 0; x < range.count; ++x) {
        if (x % block == 0) gate_up_block = at::empty({block, 2 * f, d}, reader.options());
        if (x % block == 0) down_block = at::empty({block, d, f}, reader.options());
        at::Tensor const gate_up = gate_up_block[x % block], down = down_block[x % block];
        auto const read = [&](ExpertMatrix matrix, at::Tensor const& to) {
            TensorSlice const slice = expert_slice(layout, c, layer, range.first + x, matrix);
            reader.read(slice.tensor, slice.first_element, to);
        };
        read(ExpertMatrix::w1, gate_up.slice(0, 0, f));
        read(ExpertMatrix::w3, gate_up.slice(0, f));
        read(ExpertMatrix::w2, down);
        experts.gate_up.emplace_back(gate_up);
        experts.down.emplace_back(down);
    }
    return experts;
}

}  // namespace

std::uint64_t Weights::num_bytes() const {
    std::uint64_t bytes = embedding.nbytes() + final_norm.nbytes() + (lm_head.data().is_same(embedding) ? 0 : lm_head.num_bytes());
    for (auto const& w : layers) {
        bytes += w.input_norm.nbytes() + w.post_attention_norm.nbytes() + w.qkv.num_bytes() + w.o_proj.num_bytes() + w.gate.nbytes();
        if (w.gate_product.is_laid_out()) bytes += w.gate_product.num_bytes();
        for (auto const* matrices : {&w.experts.gate_up, &w.experts.down}) {
            for (LinearWeight const& matrix : *matrices) bytes += matrix.num_bytes();
        }
    }
    return bytes;
}

Weights load_weights(Checkpoint const& checkpoint, ModelConfig const& config, ExpertLayout layout, ExpertRange experts,
                     at::ScalarType dtype, at::Device device) {
    Reader reader(checkpoint, dtype, device);
    Weights weights;
    weights.embedding = reader.whole("model.embed_tokens.weight");
    for (std::int64_t l = 0; l < config.num_layers; ++l) {
        LayerWeights w;
        w.input_norm = reader.whole(layer_tensor(l, "input_layernorm.weight"));
        w.qkv = read_qkv(reader, config, l);
        w.o_proj = LinearWeight(reader.whole(layer_tensor(l, "self_attn.o_proj.weight")));
        w.post_attention_norm = reader.whole(layer_tensor(l, "post_attention_layernorm.weight"));
        w.gate = config.dense ? at::zeros({1, config.hidden_size}, reader.options()) : reader.whole(gate_tensor(layout, l));
        w.gate_product = LinearWeight(w.gate);
        weights.dense_digest += reader.take_digest();
        w.experts = read_experts(reader, config, layout, l, experts);
        weights.expert_digest += reader.take_digest();
        weights.layers.push_back(std::move(w));
    }
    weights.final_norm = reader.whole("model.norm.weight");
    weights.lm_head = LinearWeight(config.tie_word_embeddings ? weights.embedding : reader.whole("lm_head.weight"));
    weights.dense_digest += reader.take_digest();
    return weights;
}

}  // namespace gatesweep
