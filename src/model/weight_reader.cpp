#include "weight_reader.h"

#include <algorithm>
#include <utility>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "mxfp4.h"
#include "stored_tensor.h"

namespace gatesweep {
namespace {

std::uint64_t digest_of(std::string const& name, std::uint64_t first, at::Tensor const& stored) {
    FastDigest piece;
    piece.add(name)
        .add(std::to_string(first))
        .add({static_cast<std::byte const*>(stored.const_data_ptr()), stored.nbytes()});
    return std::stoull(piece.hex().substr(0, 16), nullptr, 16);
}

// Where rows that stand in turn in the checkpoint, one of gate and one of up, go in [2F, ..]: those of gate first.
at::Tensor in_turn(at::Tensor const& gate_up) {
    return gate_up.unflatten(0, {2, -1}).transpose(0, 1);
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

void WeightReader::read(WeightPlace const& place, at::Tensor const& to, std::uint64_t& digest) {
    StoredWeight const& weight = source_.map->at(place);
    AdapterProduct const product(source_.adapter.get(), place);
    digest += product.digest();
    if (weight.storing == Storing::mxfp4) return read_mxfp4(weight, product, to, digest);
    TensorEntry const& entry = source_.checkpoint->entry(weight.tensor);
    // Page-locked where a GPU fetches it: the next piece is read and checked meanwhile. ATen keeps it for so long.
    bool const to_gpu = to.is_cuda();
    at::Tensor const stored = at::empty({to.numel()}, at::TensorOptions(stored_type(entry)).pinned_memory(to_gpu));
    std::uint64_t const element = static_cast<std::uint64_t>(entry.type.bits / 8);
    source_.checkpoint->read(weight.tensor, weight.first_element * element, bytes_of(stored));
    refuse_non_finite(stored, weight.tensor);
    digest += digest_of(weight.tensor, weight.first_element, stored);
    bool const is_turned = weight.storing == Storing::columns;
    at::Tensor const values = is_turned ? stored.view({weight.shape[1], weight.shape[0]}).t() : stored;
    if (product.is_empty()) {
        to.copy_(values.view(to.sizes()), to_gpu);
        return;
    }
    at::Tensor const sum = values.to(at::kFloat).contiguous().view({weight.shape[0], -1});
    product.add_to(sum, 0);
    refuse_non_finite_sum(sum, weight.tensor);
    to.copy_(sum.view(to.sizes()));
}

void WeightReader::refuse_non_finite(at::Tensor const& values, std::string const& tensor) const {
    gatesweep::refuse_non_finite(values, tensor, source_.checkpoint->file_of(tensor),
                                 "the checkpoint is damaged; copy it again");
}

void WeightReader::refuse_non_finite_sum(at::Tensor const& values, std::string const& tensor) const {
    gatesweep::refuse_non_finite(values, tensor, source_.checkpoint->file_of(tensor) + " with the adapter",
                                 "the adapter's values are too large; use another");
}

at::Tensor WeightReader::read_bytes(std::string const& tensor, std::uint64_t first, std::int64_t count,
                                    std::uint64_t& digest) {
    at::Tensor const bytes = at::empty({count}, at::kByte);
    source_.checkpoint->read(tensor, first, bytes_of(bytes));
    digest += digest_of(tensor, first, bytes);
    return bytes;
}

// A few rows at a time: unpacked, a matrix is many times what was read of it.
void WeightReader::read_mxfp4(StoredWeight const& weight, AdapterProduct const& product, at::Tensor const& to,
                              std::uint64_t& digest) {
    std::int64_t const num_blocks = weight.num_elements() / mxfp4::block_values;
    std::uint64_t const first_block = weight.first_element / mxfp4::block_values;
    at::Tensor const blocks = read_bytes(weight.tensor, first_block * mxfp4::block_bytes,
                                         num_blocks * mxfp4::block_bytes, digest),
                     scales = read_bytes(weight.scales, first_block, num_blocks, digest);
    std::int64_t const bad = std::ranges::count(bytes_of(scales), mxfp4::no_scale);
    GATESWEEP_VALIDATE(bad == 0, ExitCode::bad_data,
                       "tensor {} in {} holds {} scale{} of 255, which stands for no number (every value of the block "
                       "would be NaN): the checkpoint is damaged; copy it again",
                       weight.scales, source_.checkpoint->file_of(weight.scales), bad, bad == 1 ? "" : "s");
    constexpr std::int64_t values_at_a_time = 1 << 18;
    std::int64_t const row = to.numel() / to.size(0), blocks_of_row = row / mxfp4::block_values;
    std::int64_t const step = std::max<std::int64_t>(1, values_at_a_time / row);
    for (std::int64_t i = 0; i < to.size(0); i += step) {
        std::int64_t const rows = std::min(step, to.size(0) - i), at = i * blocks_of_row, count = rows * blocks_of_row;
        at::Tensor const values = at::empty({count * mxfp4::block_values}, at::kFloat);
        mxfp4::unpack(bytes_of(blocks).subspan(at * mxfp4::block_bytes, count * mxfp4::block_bytes),
                      bytes_of(scales).subspan(at, count),
                      {values.data_ptr<float>(), static_cast<std::size_t>(values.numel())});
        refuse_non_finite(values, weight.tensor);
        if (!product.is_empty()) {
            std::int64_t const width = weight.shape[1];
            product.add_to(values.view({-1, width}), i * row / width);
            refuse_non_finite_sum(values, weight.tensor);
        }
        at::Tensor const here = to.slice(0, i, i + rows);
        here.copy_(values.view(here.sizes()));
    }
}

at::Tensor WeightReader::whole(WeightPlace const& place) {
    return whole(place, source_.dtype);
}

at::Tensor WeightReader::whole(WeightPlace const& place, at::ScalarType dtype) {
    at::Tensor result = at::empty(source_.map->at(place).shape, options_.dtype(dtype));
    read(place, result, digests_.dense);
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
    if (c.heads.has_sinks) w.sinks = whole({WeightRole::sinks, layer});
    w.window = c.window_of(layer);
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
    if (c.router.has_bias) w.gate_bias = whole({WeightRole::router_bias, layer});
    w.experts = experts(layer);
    return w;
}

at::Tensor WeightReader::stacked(std::int64_t layer, std::initializer_list<WeightRole> roles) {
    std::vector<std::int64_t> shape;
    std::int64_t num_rows = 0;
    for (WeightRole const role : roles) {
        shape = source_.map->at({role, layer}).shape;
        num_rows += shape[0];
    }
    shape[0] = num_rows;
    at::Tensor result = at::empty(shape, options_);
    std::int64_t first = 0;
    for (WeightRole const role : roles) {
        std::int64_t const rows = source_.map->at({role, layer}).shape[0];
        read({role, layer}, result.slice(0, first, first + rows), digests_.dense);
        first += rows;
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
    experts.gate = source_.config->gate;
    // On the CPU a weight is laid out anew when it is read; elsewhere a layer's experts stand behind each other, so
    // that one product can take them all (grouped_linear).
    std::int64_t const block = options_.device().is_cpu() ? 1 : source_.experts.count;
    at::Tensor gate_up_block, down_block;
    for (std::int64_t x = 0; x < source_.experts.count; ++x) {
        if (x % block == 0) gate_up_block = at::empty({block, 2 * f, d}, options_);
        if (x % block == 0) down_block = at::empty({block, d, f}, options_);
        at::Tensor const gate_up = gate_up_block[x % block], down = down_block[x % block];
        read_expert(layer, source_.experts.first + x, gate_up, down);
        experts.gate_up.emplace_back(gate_up);
        experts.down.emplace_back(down);
    }
    if (source_.config->has_expert_bias) {
        experts.gate_up_bias = expert_vectors(layer, WeightRole::expert_gate_up_bias);
        experts.down_bias = expert_vectors(layer, WeightRole::expert_down_bias);
    }
    return experts;
}

void WeightReader::read_expert(std::int64_t layer, std::int64_t expert, at::Tensor const& gate_up,
                               at::Tensor const& down) {
    auto const part = [&](WeightRole role, at::Tensor const& to) { read({role, layer, expert}, to, digests_.experts); };
    std::int64_t const f = source_.config->intermediate_size;
    if (source_.map->has({WeightRole::expert_gate_up, layer, expert})) {
        part(WeightRole::expert_gate_up, in_turn(gate_up));
    } else {
        part(WeightRole::expert_gate, gate_up.slice(0, 0, f));
        part(WeightRole::expert_up, gate_up.slice(0, f));
    }
    part(WeightRole::expert_down, down);
}

at::Tensor WeightReader::expert_vectors(std::int64_t layer, WeightRole role) {
    at::Tensor vectors;
    for (std::int64_t x = 0; x < source_.experts.count; ++x) {
        WeightPlace const place{role, layer, source_.experts.first + x};
        if (!vectors.defined()) vectors = at::empty({source_.experts.count, source_.map->at(place).shape[0]}, options_);
        bool const is_gate_up = role == WeightRole::expert_gate_up_bias;
        read(place, is_gate_up ? in_turn(vectors[x]) : vectors[x], digests_.experts);
    }
    return vectors;
}

WeightDigests WeightReader::take_digests() {
    return std::exchange(digests_, {});
}

}  // namespace gatesweep
