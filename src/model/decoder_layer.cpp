#include "gatesweep/model/decoder_layer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "gatesweep/ops/cached_attention.h"
#include "heads.h"
#include "latent_heads.h"
#include "norms.h"

namespace gatesweep {
namespace {

double attention_scale(ModelConfig const& config) {
    double const plain = 1.0 / std::sqrt(static_cast<double>(config.head_dim));
    return config.latent ? plain * latent_score_factor(config.rope_scaling) : plain;
}

RouteRule route_rule(ModelConfig const& config) {
    RouteRule rule(config.top_k, config.router.renormalise);
    rule.scale = config.router.scale;
    rule.num_groups = config.router.num_groups;
    rule.kept_groups = config.router.kept_groups;
    if (config.router.choice == RouterRule::Choice::sparsemixer) rule.threshold = config.router.threshold;
    rule.chosen_first = config.router.choice == RouterRule::Choice::top_k_softmax;
    return rule;
}

at::Tensor with_bias(at::Tensor const& product, at::Tensor const& bias) {
    return bias.defined() ? product.add_(bias) : product;
}

// The layer's input with what attention adds to it.
at::Tensor with_attention(ModelConfig const& c, LayerWeights const& weights, at::Tensor const& input,
                          at::Tensor const& mixed) {
    at::Tensor const rows = value_rows(c, mixed);
    at::Tensor const product = token_linear(rows, weights.o_proj);
    add_low_rank(weights.head_adapter.o, rows, product);
    return input + with_bias(product, weights.o_bias);
}

AttentionInput attention_input(LayerContext const& context, LayerWeights const& weights, LayerTape const& tape) {
    return {tape.q,
            tape.k,
            tape.v,
            context.batch.offsets,
            weights.window,
            attention_scale(context.config),
            context.batch.offsets_on_device,
            weights.sinks};
}

at::Tensor rows_of(LayerContext const& context) {
    return rotary_rows(context.rotary, context.batch.positions, context.batch.offsets);
}

// Queries, keys and values in the columns of the product that makes them.
template <class Body>
void for_each_head_part(ModelConfig const& c, HeadAdapter const& adapter, Body const& body) {
    std::int64_t const q = c.num_heads * c.head_dim, kv = c.num_kv_heads * c.head_dim;
    auto const part = [](std::int64_t first, std::int64_t size) {
        return [=](at::Tensor const& heads) { return heads.narrow(1, first, size); };
    };
    if (adapter.q) body(adapter.q, part(0, q));
    if (adapter.k) body(adapter.k, part(q, kv));
    if (adapter.v) body(adapter.v, part(q + kv, kv));
}

// Rotated queries and keys, and values, of the tape's input.
void project_heads(ModelConfig const& c, RotaryTable const& rotary, at::Tensor const& rotary_rows,
                   LayerWeights const& weights, LayerTape& tape) {
    at::Tensor const x = normed(tape.input, weights.input_norm, weights.input_norm_bias, c.rms_norm_eps);
    at::Tensor const products = token_linear(x, weights.qkv);
    for_each_head_part(c, weights.head_adapter, [&](std::optional<LowRank> const& pair, auto const& part) {
        add_low_rank(pair, x, part(products));
    });
    with_bias(products, weights.qkv_bias);
    if (c.latent) {
        tape.heads = products;
        Heads const made = latent_heads(c, weights, products, {rotary, rotary_rows});
        tape.q = made.q;
        tape.k = made.k;
        tape.v = made.v;
        return;
    }
    at::Tensor const heads = products.view({-1, c.num_heads + 2 * c.num_kv_heads, c.head_dim});
    if (c.heads.changes_values()) tape.heads = heads;
    Heads const prepared = prepare_heads(c, weights, split_heads(c, heads));
    tape.q = prepared.q;
    tape.k = prepared.k;
    tape.v = prepared.v;
    rotate_heads(tape.q, rotary_rows, rotary, Rotation::forward);
    rotate_heads(tape.k, rotary_rows, rotary, Rotation::forward);
}

// Gradient to what the product of the normed input gave, from that to rotated queries, keys and values.
at::Tensor project_heads_backward(LayerContext const& context, LayerWeights const& weights, LayerTape const& tape,
                                  Heads d) {
    ModelConfig const& c = context.config;
    at::Tensor const rows = rows_of(context);
    if (c.latent) return latent_heads_backward(c, weights, tape.heads, d, {context.rotary, rows});
    rotate_heads(d.q, rows, context.rotary, Rotation::inverse);
    rotate_heads(d.k, rows, context.rotary, Rotation::inverse);
    if (tape.heads.defined()) d = prepare_heads_backward(c, weights, split_heads(c, tape.heads), d);
    return at::cat({d.q, d.k, d.v}, 1).flatten(1);
}

at::Tensor attention_backward_to_input(LayerContext const& context, LayerWeights const& weights, LayerTape const& tape,
                                       at::Tensor const& d_after_attention, AdapterTape& adapter) {
    ModelConfig const& c = context.config;
    at::Tensor const d_rows = token_linear_input_gradient(d_after_attention, weights.o_proj);
    add_low_rank_gradient(weights.head_adapter.o, d_after_attention, d_rows);
    at::Tensor const d_mixed = value_heads(c, d_rows);
    AttentionGradient const g = attention_backward(attention_input(context, weights, tape), d_mixed);
    at::Tensor const d_heads = project_heads_backward(context, weights, tape, {g.dq, g.dk, g.dv});
    at::Tensor const d_normed = token_linear_input_gradient(d_heads, weights.qkv);
    for_each_head_part(c, weights.head_adapter, [&](std::optional<LowRank> const& pair, auto const& part) {
        add_low_rank_gradient(pair, part(d_heads), d_normed);
    });
    HeadAdapter const& heads = weights.head_adapter;
    if (heads.o) adapter.mixed = value_rows(c, attention(attention_input(context, weights, tape)));
    if (heads.o) adapter.d_after_attention = d_after_attention;
    if (heads.q || heads.k || heads.v) {
        adapter.head_inputs = normed(tape.input, weights.input_norm, weights.input_norm_bias, c.rms_norm_eps);
        adapter.d_heads = d_heads;
    }
    return d_after_attention +
           normed_backward(d_normed, tape.input, weights.input_norm, weights.input_norm_bias, c.rms_norm_eps);
}

SlotsUnderWay send_to_experts(ModelConfig const& c, TokenDispatcher const& dispatcher, LayerWeights const& weights,
                              LayerTape& tape, RowEdits const& edits) {
    tape.router_input =
        normed(tape.after_attention, weights.post_attention_norm, weights.post_attention_norm_bias, c.rms_norm_eps);
    if (weights.shared) tape.shared = shared_forward(*weights.shared, tape.router_input);
    if (!weights.gate.defined()) return {};
    tape.routing = route(router_logits(weights, tape.router_input), route_rule(c), edits);
    tape.dispatch = dispatcher.plan(tape.routing);
    return dispatcher.tokens_to_experts(tape.router_input, tape.dispatch);
}

// What the layer adds to its attention's output.
at::Tensor with_shared(at::Tensor const& combined, SharedTape const& shared) {
    return shared.output.defined() ? combined + shared.weighted() : combined;
}

// The same bits by the way of decode steps.
at::Tensor through_gathered_experts(DecodeContext const& context, LayerWeights const& weights,
                                    at::Tensor const& after_attention, RowEdits const& edits) {
    ModelConfig const& c = context.config;
    at::Tensor const router_input =
        normed(after_attention, weights.post_attention_norm, weights.post_attention_norm_bias, c.rms_norm_eps);
    SharedTape const shared = weights.shared ? shared_forward(*weights.shared, router_input) : SharedTape{};
    if (!weights.gate.defined()) return after_attention + shared.weighted();
    Routing const routing =
        route_on_device(router_logits(weights, router_input), route_rule(c), edits, context.all_finite);
    GatheredTokens const gathered = context.dispatcher.gather(router_input, routing, context.tokens_of_rank);
    at::Tensor const outputs = gathered_experts_forward(context.dispatcher, weights.experts, gathered);
    return after_attention + with_shared(combine(context.dispatcher.return_slots(outputs, gathered), routing), shared);
}

}  // namespace

at::Tensor router_logits(LayerWeights const& weights, at::Tensor const& router_input) {
    at::Tensor const x = router_input.to(weights.gate.scalar_type());
    return with_bias(token_linear(x, weights.gate_product), weights.gate_bias);
}

std::uint64_t LayerTape::num_bytes(ModelConfig const& c, std::int64_t num_tokens, std::size_t element_size) {
    std::int64_t const heads = (c.num_heads + 2 * c.num_kv_heads) * c.head_dim;
    std::int64_t const before = c.latent ? c.latent->width(c.num_heads) : c.heads.changes_values() ? heads : 0;
    std::int64_t const shared = c.shared_size > 0 ? 2 * c.shared_size + c.hidden_size : 0;
    std::int64_t const dense = c.dense_layers.empty() ? 0 : 2 * c.dense_size + c.hidden_size;
    std::int64_t const routed = c.top_k * (2 * c.intermediate_size + c.hidden_size) + shared;
    std::int64_t const per_token = 3 * c.hidden_size + heads + before + std::max(routed, dense);
    return static_cast<std::uint64_t>(per_token * num_tokens) * element_size;
}

SlotsUnderWay forward_to_experts(LayerContext const& context, LayerWeights const& weights, at::Tensor const& input,
                                 LayerTape& tape, RowEdits const& edits) {
    tape.input = input;
    project_heads(context.config, context.rotary, rows_of(context), weights, tape);
    at::Tensor const mixed = attention(attention_input(context, weights, tape));
    tape.after_attention = with_attention(context.config, weights, input, mixed);
    return send_to_experts(context.config, context.dispatcher, weights, tape, edits);
}

SlotsUnderWay forward_through_experts(TokenDispatcher const& dispatcher, LayerWeights const& weights, LayerTape& tape,
                                      SlotsUnderWay slots) {
    if (!weights.gate.defined()) return slots;
    at::Tensor const rows = slots.arrived();
    if (!weights.experts.adapters.empty()) tape.expert_inputs = rows;
    ExpertForward const forward = experts_forward(weights.experts, rows, tape.dispatch.expert_offsets);
    tape.gate_up = forward.gate_up;
    return dispatcher.from_experts(forward.output, tape.dispatch);
}

at::Tensor forward_from_experts(LayerTape& tape, SlotsUnderWay slots) {
    if (!tape.is_routed()) return tape.after_attention + tape.shared.weighted();
    tape.slot_outputs = slots.arrived();
    return tape.after_attention + with_shared(combine(tape.slot_outputs, tape.routing), tape.shared);
}

at::Tensor layer_forward(LayerContext const& context, LayerWeights const& weights, at::Tensor const& input,
                         LayerTape& tape, RowEdits const& edits) {
    SlotsUnderWay slots = forward_to_experts(context, weights, input, tape, edits);
    return forward_from_experts(tape, forward_through_experts(context.dispatcher, weights, tape, std::move(slots)));
}

at::Tensor gathered_experts_forward(TokenDispatcher const& dispatcher, ExpertWeights const& experts,
                                    GatheredTokens const& gathered) {
    if (experts_group_on_device(experts, gathered.rows))
        return experts_forward(experts, gathered.rows, gathered.offsets).output;
    auto const offsets = dispatcher.offsets_on_host(gathered);
    return experts_forward(experts, gathered.rows.slice(0, 0, offsets.back()), offsets).output;
}

at::Tensor layer_decode(DecodeContext const& context, LayerWeights const& weights, std::int64_t layer,
                        at::Tensor const& input, RowEdits const& edits) {
    ModelConfig const& c = context.config;
    LayerTape tape;
    tape.input = input;
    project_heads(c, context.rotary, rotary_rows_of_last(context.rotary, context.positions_on_device), weights, tape);
    context.cache.store_rows(layer, context.slots_on_device, context.positions_on_device, tape.k, tape.v);
    at::Tensor const mixed = cached_attention({tape.q, context.cache.keys(layer), context.cache.values(layer),
                                               context.slots, context.positions, weights.window, attention_scale(c),
                                               context.slots_on_device, context.positions_on_device, weights.sinks});
    tape.after_attention = with_attention(c, weights, input, mixed);
    if (!context.tokens_of_rank.empty()) return through_gathered_experts(context, weights, tape.after_attention, edits);
    SlotsUnderWay slots = send_to_experts(c, context.dispatcher, weights, tape, edits);
    return forward_from_experts(tape, forward_through_experts(context.dispatcher, weights, tape, std::move(slots)));
}

LayerBackward::LayerBackward(LayerContext const& context, LayerWeights const& weights, LayerTape const& tape,
                             at::Tensor const& d_output, Backward extent, at::Tensor d_all_logits)
    : context_(context),
      weights_(weights),
      tape_(tape),
      d_output_(d_output),
      extent_(extent),
      d_all_logits_(std::move(d_all_logits)) {}

void LayerBackward::to_experts() {
    if (!tape_.is_routed()) return;
    CombineGradient const combined = combine_backward(d_output_, tape_.slot_outputs, tape_.routing);
    d_router_logits_ = route_backward(tape_.routing, combined.d_routing_weights);
    if (extent_ == Backward::router_and_input)
        slots_ = context_.dispatcher.to_experts(combined.d_slot_outputs, tape_.dispatch);
}

void LayerBackward::through_experts() {
    if (extent_ == Backward::router_only || !tape_.is_routed()) return;
    at::Tensor const d_outputs = slots_.arrived();
    ExpertGradient const gradient =
        experts_backward(weights_.experts, d_outputs, tape_.gate_up, tape_.dispatch.expert_offsets);
    if (!weights_.experts.adapters.empty()) {
        adapter_.d_expert_outputs = d_outputs;
        adapter_.d_gate_up = gradient.d_gate_up;
    }
    slots_ = context_.dispatcher.from_experts(gradient.d_rows, tape_.dispatch);
}

LayerGradient LayerBackward::from_experts() {
    if (extent_ == Backward::router_only) return {d_router_logits_, {}, {}};
    ModelConfig const& c = context_.config;
    at::Tensor d_router_input;
    if (tape_.is_routed()) {
        at::Tensor const d_slots = slots_.arrived().view({-1, c.top_k, c.hidden_size});
        d_router_input =
            router_input_gradient(tape_.routing, d_router_logits_, weights_.gate).to(tape_.router_input.scalar_type());
        if (d_all_logits_.defined()) {
            at::Tensor const more =
                token_linear_input_gradient(d_all_logits_.to(weights_.gate.scalar_type()), weights_.gate_product);
            d_router_input = d_router_input + more.to(d_router_input.scalar_type());
        }
        for (std::int64_t k = 0; k < c.top_k; ++k)
            d_router_input = d_router_input + d_slots.select(1, k);
    }
    if (weights_.shared) {
        at::Tensor const of_shared = shared_backward(*weights_.shared, tape_.shared, d_output_);
        d_router_input = tape_.is_routed() ? d_router_input + of_shared : of_shared;
    }
    at::Tensor const d_after_attention =
        d_output_ + normed_backward(d_router_input, tape_.after_attention, weights_.post_attention_norm,
                                    weights_.post_attention_norm_bias, c.rms_norm_eps);
    at::Tensor const d_input = attention_backward_to_input(context_, weights_, tape_, d_after_attention, adapter_);
    return {d_router_logits_, d_input, std::move(adapter_)};
}

}  // namespace gatesweep
