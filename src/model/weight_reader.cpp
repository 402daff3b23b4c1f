#include "weight_reader.h"

#include <utility>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

std::uint64_t digest_of(std::string const& name, std::uint64_t first, at::Tensor const& stored) {
    FastDigest piece;
    piece.add(name)
        .add(std::to_string(first))
        .add({static_cast<std::byte const*>(stored.const_data_ptr()), stored.nbytes()});
    return std::stoull(piece.hex().substr(0, 16), nullptr, 16);
}

at::ScalarType stored_type(TensorEntry const& entry) {
    if (entry.type.name == "BF16") return at::kBFloat16;
    return entry.type.name == "F16" ? at::kHalf : at::kFloat;
}

void refuse_non_finite(Checkpoint const& checkpoint, std::string const& name, at::Tensor const& stored) {
    // NaN and infinity survive a sum of zero products, finite values do not.
    if (stored.mul(0).sum(at::kFloat).item<float>() == 0.0F) return;
    std::int64_t const bad = stored.isfinite().logical_not().sum().item<std::int64_t>();
    fail(ExitCode::bad_data,
         "tensor {} in {} holds {} value{} that {} NaN or infinite (every result would be wrong): the checkpoint is "
         "damaged; copy it again",
         name, checkpoint.file_of(name), bad, bad == 1 ? "" : "s", bad == 1 ? "is" : "are");
}

// The last `num` rows of a weight make values that turn in pairs, each pair one row after the other. Puts the first of
// all pairs before the second ones, as rotate_heads wants them. Scores do not change: queries and keys are both so.
void put_in_halves(at::Tensor const& weight, std::int64_t num) {
    at::Tensor const rows = weight.slice(0, weight.size(0) - num);
    rows.copy_(rows.view({num / 2, 2, -1}).transpose(0, 1).reshape(rows.sizes()));
}

}  // namespace

WeightReader::WeightReader(WeightSource const& source)
    : source_(source), options_(at::TensorOptions(source.dtype).device(source.device)) {}

void WeightReader::read(StoredWeight const& weight, at::Tensor const& to, std::uint64_t& digest) {
    TensorEntry const& entry = source_.checkpoint->entry(weight.tensor);
    // Page-locked where a GPU fetches it: the next piece is read and checked meanwhile. ATen keeps it for so long.
    bool const to_gpu = to.is_cuda();
    at::Tensor const stored = at::empty({to.numel()}, at::TensorOptions(stored_type(entry)).pinned_memory(to_gpu));
    std::uint64_t const element = static_cast<std::uint64_t>(entry.type.bits / 8);
    source_.checkpoint->read(weight.tensor, weight.first_element * element,
                             {static_cast<std::byte*>(stored.data_ptr()), stored.nbytes()});
    refuse_non_finite(*source_.checkpoint, weight.tensor, stored);
    digest += digest_of(weight.tensor, weight.first_element, stored);
    to.view(-1).copy_(stored, to_gpu);
}

at::Tensor WeightReader::whole(WeightPlace const& place) {
    return whole(place, source_.dtype);
}

at::Tensor WeightReader::whole(WeightPlace const& place, at::ScalarType dtype) {
    StoredWeight const& weight = source_.map->at(place);
    at::Tensor result = at::empty(weight.shape, options_.dtype(dtype));
    read(weight, result, digests_.dense);
    return result;
}

at::Tensor WeightReader::embedding() {
    return whole({WeightRole::embedding});
}

at::Tensor WeightReader::final_norm() {
    return whole({WeightRole::final_norm});
}

at::Tensor WeightReader::final_norm_bias() {
    return source_.config->has_layer_norm ? whole({WeightRole::final_norm_bias}) : at::Tensor();
}

at::Tensor WeightReader::head_bias() {
    return source_.config->has_head_bias ? whole({WeightRole::lm_head_bias}) : at::Tensor();
}

LinearWeight WeightReader::lm_head() {
    return {whole({WeightRole::lm_head}), head_bias()};
}

LinearWeight WeightReader::tied_head(at::Tensor const& embedding) {
    return {embedding, head_bias()};
}

void WeightReader::read_heads(std::int64_t layer, LayerWeights& w) {
    w.qkv = LinearWeight(stacked(layer, {WeightRole::q_proj, WeightRole::k_proj, WeightRole::v_proj}));
    ModelConfig const& c = *source_.config;
    if (c.heads.has_bias) w.qkv_bias = stacked(layer, {WeightRole::q_bias, WeightRole::k_bias, WeightRole::v_bias});
    if (c.heads.norm != HeadRule::Norm::none) {
        w.q_norm = whole({WeightRole::q_norm, layer});
        w.k_norm = whole({WeightRole::k_norm, layer});
    }
}

void WeightReader::read_latent_heads(std::int64_t layer, LayerWeights& w) {
    LatentRule const& rule = *source_.config->latent;
    bool const has_rank = rule.query_rank > 0;
    at::Tensor const narrow =
        stacked(layer, {has_rank ? WeightRole::latent_q : WeightRole::q_proj, WeightRole::latent_kv});
    std::int64_t const num_queries = rule.num_queries(source_.config->num_heads);
    put_in_halves(narrow.slice(0, num_queries), rule.rotated_dim);
    at::Tensor const queries = has_rank ? whole({WeightRole::expand_q, layer}) : narrow.slice(0, 0, num_queries);
    for (at::Tensor const& head : queries.split(source_.config->head_dim))
        put_in_halves(head, rule.rotated_dim);
    w.qkv = LinearWeight(narrow);
    if (has_rank) w.expand_q = LinearWeight(queries);
    if (has_rank) w.q_norm = whole({WeightRole::q_norm, layer});
    w.k_norm = whole({WeightRole::k_norm, layer});
    w.expand_kv = LinearWeight(whole({WeightRole::expand_kv, layer}));
}

LayerWeights WeightReader::layer(std::int64_t layer) {
    ModelConfig const& c = *source_.config;
    LayerWeights w;
    w.input_norm = whole({WeightRole::input_norm, layer});
    if (c.latent) read_latent_heads(layer, w);
    if (!c.latent) read_heads(layer, w);
    w.o_proj = LinearWeight(whole({WeightRole::o_proj, layer}));
    if (c.heads.has_output_bias) w.o_bias = whole({WeightRole::o_bias, layer});
    w.post_attention_norm = whole({WeightRole::post_attention_norm, layer});
    if (c.has_layer_norm) {
        w.input_norm_bias = whole({WeightRole::input_norm_bias, layer});
        w.post_attention_norm_bias = whole({WeightRole::post_attention_norm_bias, layer});
    }
    if (c.shared_size > 0 || c.is_dense(layer)) w.shared = shared(layer);
    if (c.is_dense(layer)) return w;
    at::ScalarType const gate_type = c.router.in_float32 ? c10::promoteTypes(source_.dtype, at::kFloat) : source_.dtype;
    w.gate = c.has_router() ? whole({WeightRole::router, layer}, gate_type) : at::zeros({1, c.hidden_size}, options_);
    w.gate_product = LinearWeight(w.gate);
    w.experts = experts(layer);
    return w;
}

at::Tensor WeightReader::stacked(std::int64_t layer, std::initializer_list<WeightRole> roles) {
    std::vector<StoredWeight const*> parts;
    std::int64_t num_rows = 0;
    for (WeightRole const role : roles) {
        parts.push_back(&source_.map->at({role, layer}));
        num_rows += parts.back()->shape[0];
    }
    std::vector<std::int64_t> shape = parts.front()->shape;
    shape[0] = num_rows;
    at::Tensor result = at::empty(shape, options_);
    std::int64_t first = 0;
    for (StoredWeight const* part : parts) {
        read(*part, result.slice(0, first, first + part->shape[0]), digests_.dense);
        first += part->shape[0];
    }
    return result;
}

SharedExpert WeightReader::shared(std::int64_t layer) {
    SharedExpert expert{LinearWeight(stacked(layer, {WeightRole::shared_gate, WeightRole::shared_up})),
                        LinearWeight(whole({WeightRole::shared_down, layer})), std::nullopt};
    if (source_.config->weighs_shared && !source_.config->is_dense(layer))
        expert.weigher.emplace(whole({WeightRole::shared_weight, layer}));
    return expert;
}

ExpertWeights WeightReader::experts(std::int64_t layer) {
    std::int64_t const f = source_.config->intermediate_size, d = source_.config->hidden_size;
    ExpertWeights experts;
    // On the CPU a weight is laid out anew when it is read; elsewhere a layer's experts stand behind each other, so
    // that one product can take them all (grouped_linear).
    std::int64_t const block = options_.device().is_cpu() ? 1 : source_.experts.count;
    at::Tensor gate_up_block, down_block;
    for (std::int64_t x = 0; x < source_.experts.count; ++x) {
        if (x % block == 0) gate_up_block = at::empty({block, 2 * f, d}, options_);
        if (x % block == 0) down_block = at::empty({block, d, f}, options_);
        at::Tensor const gate_up = gate_up_block[x % block], down = down_block[x % block];
        auto const part = [&](WeightRole role, at::Tensor const& to) {
            read(source_.map->at({role, layer, source_.experts.first + x}), to, digests_.experts);
        };
        part(WeightRole::expert_gate, gate_up.slice(0, 0, f));
        part(WeightRole::expert_up, gate_up.slice(0, f));
        part(WeightRole::expert_down, down);
        experts.gate_up.emplace_back(gate_up);
        experts.down.emplace_back(down);
    }
    return experts;
}

WeightDigests WeightReader::take_digests() {
    return std::exchange(digests_, {});
}

}  // namespace gatesweep
