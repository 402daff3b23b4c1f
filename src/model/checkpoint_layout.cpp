#include <algorithm>
#include <set>

#include <fmt/ranges.h>

#include "gatesweep/base/error.h"
#include "gatesweep/model/model_config.h"

namespace gatesweep {
namespace {

using Shape = std::vector<std::int64_t>;

// Checks tensors one by one against the config and remembers which of them it has seen.
class Inspection {
public:
    Inspection(Checkpoint const& checkpoint, bool tied) : checkpoint_(checkpoint), tied_(tied) {}

    void expect(std::string const& tensor, Shape const& shape) {
        std::string const folder = checkpoint_.folder().string();
        GATESWEEP_VALIDATE(
            checkpoint_.has(tensor), ExitCode::bad_data,
            "{}: tensor \"{}\" [{}] is missing from the {} file(s) read (config.json asks for it): copy the "
            "checkpoint again",
            folder, tensor, fmt::join(shape, ", "), checkpoint_.shard_sizes().size());
        TensorEntry const& entry = checkpoint_.entry(tensor);
        GATESWEEP_VALIDATE(
            entry.shape == shape, ExitCode::bad_data,
            "{}/{}: tensor \"{}\" has shape [{}], but config.json asks for [{}]: use the config.json that "
            "belongs to these weights",
            folder, checkpoint_.file_of(tensor), tensor, fmt::join(entry.shape, ", "), fmt::join(shape, ", "));
        auto const& type = entry.type.name;
        GATESWEEP_VALIDATE(type == "F32" || type == "F16" || type == "BF16", ExitCode::bad_data,
                           "{}/{}: tensor \"{}\" is stored as {} (only F32, F16 and BF16 can be read): use the "
                           "unquantized checkpoint",
                           folder, checkpoint_.file_of(tensor), tensor, type);
        expected_.insert(tensor);
    }

    void refuse_others() const {
        for (auto const& tensor : checkpoint_.tensor_names()) {
            GATESWEEP_VALIDATE(expected_.contains(tensor) || is_ignored(tensor), ExitCode::bad_data,
                               "{}/{}: tensor \"{}\" is not part of the model that config.json describes (its part in "
                               "the result would be lost): use a plain Mixtral checkpoint",
                               checkpoint_.folder().string(), checkpoint_.file_of(tensor), printable(tensor));
        }
    }

private:
    // Computed anew from the config, or the second name of the embedding: transformers ignores both too.
    bool is_ignored(std::string const& tensor) const {
        return tensor.ends_with(".rotary_emb.inv_freq") || (tied_ && tensor == "lm_head.weight");
    }

    Checkpoint const& checkpoint_;
    bool tied_;
    std::set<std::string> expected_;
};

void expect_experts(Inspection& inspection, ExpertLayout layout, ModelConfig const& config, std::int64_t layer) {
    std::int64_t const d = config.hidden_size, f = config.intermediate_size;
    if (layout != ExpertLayout::dense) inspection.expect(gate_tensor(layout, layer), {config.num_experts, d});
    if (layout == ExpertLayout::fused) {
        inspection.expect(expert_slice(layout, config, layer, 0, ExpertMatrix::w1).tensor,
                          {config.num_experts, 2 * f, d});
        inspection.expect(expert_slice(layout, config, layer, 0, ExpertMatrix::w2).tensor, {config.num_experts, d, f});
        return;
    }
    for (std::int64_t expert = 0; expert < config.num_experts; ++expert) {
        inspection.expect(expert_slice(layout, config, layer, expert, ExpertMatrix::w1).tensor, {f, d});
        inspection.expect(expert_slice(layout, config, layer, expert, ExpertMatrix::w2).tensor, {d, f});
        inspection.expect(expert_slice(layout, config, layer, expert, ExpertMatrix::w3).tensor, {f, d});
    }
}

}  // namespace

std::string layer_tensor(std::int64_t layer, std::string_view suffix) {
    return fmt::format("model.layers.{}.{}", layer, suffix);
}

std::string gate_tensor(ExpertLayout layout, std::int64_t layer) {
    return layer_tensor(layer, layout == ExpertLayout::hub ? "block_sparse_moe.gate.weight" : "mlp.gate.weight");
}

TensorSlice expert_slice(ExpertLayout layout, ModelConfig const& config, std::int64_t layer, std::int64_t expert,
                         ExpertMatrix matrix) {
    auto const size = static_cast<std::uint64_t>(config.hidden_size * config.intermediate_size);
    auto const e = static_cast<std::uint64_t>(expert);
    if (layout == ExpertLayout::dense) {
        char const* const name = matrix == ExpertMatrix::w1 ? "gate" : matrix == ExpertMatrix::w2 ? "down" : "up";
        return {layer_tensor(layer, fmt::format("mlp.{}_proj.weight", name)), 0, size};
    }
    if (layout == ExpertLayout::hub) {
        int const number = matrix == ExpertMatrix::w1 ? 1 : matrix == ExpertMatrix::w2 ? 2 : 3;
        return {layer_tensor(layer, fmt::format("block_sparse_moe.experts.{}.w{}.weight", expert, number)), 0, size};
    }
    if (matrix == ExpertMatrix::w2) return {layer_tensor(layer, "mlp.experts.down_proj"), e * size, size};
    std::uint64_t const half = matrix == ExpertMatrix::w1 ? 0 : 1;  // the gate's rows come before the up-projection's
    return {layer_tensor(layer, "mlp.experts.gate_up_proj"), (2 * e + half) * size, size};
}

ExpertLayout validate_checkpoint(Checkpoint const& checkpoint, ModelConfig const& config) {
    bool const fused = checkpoint.has(gate_tensor(ExpertLayout::fused, 0));
    ExpertLayout const layout = config.dense ? ExpertLayout::dense : fused ? ExpertLayout::fused : ExpertLayout::hub;
    std::int64_t const d = config.hidden_size;
    std::int64_t const q = config.num_heads * config.head_dim, kv = config.num_kv_heads * config.head_dim;

    Inspection inspection(checkpoint, config.tie_word_embeddings);
    inspection.expect("model.embed_tokens.weight", {config.vocab_size, d});
    for (std::int64_t layer = 0; layer < config.num_layers; ++layer) {
        inspection.expect(layer_tensor(layer, "input_layernorm.weight"), {d});
        inspection.expect(layer_tensor(layer, "self_attn.q_proj.weight"), {q, d});
        inspection.expect(layer_tensor(layer, "self_attn.k_proj.weight"), {kv, d});
        inspection.expect(layer_tensor(layer, "self_attn.v_proj.weight"), {kv, d});
        inspection.expect(layer_tensor(layer, "self_attn.o_proj.weight"), {d, q});
        inspection.expect(layer_tensor(layer, "post_attention_layernorm.weight"), {d});
        expect_experts(inspection, layout, config, layer);
    }
    inspection.expect("model.norm.weight", {d});
    if (!config.tie_word_embeddings) inspection.expect("lm_head.weight", {config.vocab_size, d});
    inspection.refuse_others();
    return layout;
}

}  // namespace gatesweep
