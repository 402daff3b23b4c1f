#include "latent_heads.h"

#include "gatesweep/ops/linear.h"

namespace gatesweep {
namespace {

// What the product of the hidden states holds, each [T, ...].
struct Latents {
    at::Tensor queries;     // of rank query_rank, or all heads
    at::Tensor key_values;  // of rank key_value_rank
    at::Tensor rotated;     // [T,1,rotated d], of the keys of all heads

    Latents(ModelConfig const& c, at::Tensor const& products) {
        std::int64_t const q = c.latent->num_queries(c.num_heads), kv = c.latent->key_value_rank;
        queries = products.slice(1, 0, q).contiguous();
        key_values = products.slice(1, q, q + kv).contiguous();
        rotated = products.slice(1, q + kv).unsqueeze(1);
    }
};

at::Tensor padded(at::Tensor const& x, std::int64_t width) {
    return x.size(-1) == width ? x : at::constant_pad_nd(x, {0, width - x.size(-1)});
}

// In the order of the heads, whatever the batch.
at::Tensor sum_of_heads(at::Tensor const& x) {
    at::Tensor sum = x.select(1, 0).to(x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
    for (std::int64_t h = 1; h < x.size(1); ++h)
        sum = sum + x.select(1, h);
    return sum.to(x.scalar_type()).unsqueeze(1);
}

void rotate(at::Tensor const& x, HeadRotation const& rotation, Rotation direction) {
    rotate_heads(x, rotation.rows, rotation.table, direction);
}

}  // namespace

double latent_score_factor(RopeScaling const& scaling) {
    if (scaling.mscale_all_dim == 0) return 1.0;
    double const magnitude = yarn_magnitude(scaling.factor, scaling.mscale_all_dim);
    return magnitude * magnitude;
}

Heads latent_heads(ModelConfig const& c, LayerWeights const& weights, at::Tensor const& products,
                   HeadRotation const& rotation) {
    LatentRule const& rule = *c.latent;
    Latents const latents(c, products);
    at::Tensor const queries = rule.query_rank > 0
                                   ? token_linear(rms_norm(latents.queries, weights.q_norm, rule.eps), weights.expand_q)
                                   : latents.queries.clone();  // backward reads the product as it was
    at::Tensor const made = token_linear(rms_norm(latents.key_values, weights.k_norm, rule.eps), weights.expand_kv)
                                .view({-1, c.num_heads, rule.plain_dim + rule.value_dim});
    Heads heads;
    heads.q = queries.view({-1, c.num_heads, c.head_dim});
    heads.k = at::cat({made.slice(2, 0, rule.plain_dim), latents.rotated.expand({-1, c.num_heads, -1})}, 2);
    heads.v = padded(made.slice(2, rule.plain_dim), c.head_dim).contiguous();
    for (at::Tensor const* x : {&heads.q, &heads.k})
        rotate(x->slice(2, rule.plain_dim), rotation, Rotation::forward);
    return heads;
}

at::Tensor latent_heads_backward(ModelConfig const& c, LayerWeights const& weights, at::Tensor const& products,
                                 Heads const& gradient, HeadRotation const& rotation) {
    LatentRule const& rule = *c.latent;
    Latents const latents(c, products);
    at::Tensor const d_rotated = sum_of_heads(gradient.k.slice(2, rule.plain_dim));
    rotate(gradient.q.slice(2, rule.plain_dim), rotation, Rotation::inverse);
    rotate(d_rotated, rotation, Rotation::inverse);
    at::Tensor d_queries = gradient.q.flatten(1);
    if (rule.query_rank > 0) {
        d_queries = rms_norm_backward(token_linear_input_gradient(d_queries, weights.expand_q), latents.queries,
                                      weights.q_norm, rule.eps);
    }
    at::Tensor const d_made =
        at::cat({gradient.k.slice(2, 0, rule.plain_dim), gradient.v.slice(2, 0, rule.value_dim)}, 2).flatten(1);
    at::Tensor const d_key_values = rms_norm_backward(token_linear_input_gradient(d_made, weights.expand_kv),
                                                      latents.key_values, weights.k_norm, rule.eps);
    return at::cat({d_queries, d_key_values, d_rotated.flatten(1)}, 1);
}

at::Tensor value_rows(ModelConfig const& c, at::Tensor const& mixed) {
    return mixed.slice(2, 0, c.value_dim()).flatten(1);
}

at::Tensor value_heads(ModelConfig const& c, at::Tensor const& rows) {
    return padded(rows.view({-1, c.num_heads, c.value_dim()}), c.head_dim);
}

}  // namespace gatesweep
