#include "heads.h"

namespace gatesweep {
namespace {

// [T,heads,d] as the rows that one norm takes.
at::Tensor norm_rows(ModelConfig const& c, at::Tensor const& x) {
    at::Tensor const dense = x.contiguous();  // reshape() may leave a view of rows further apart
    return dense.view({-1, c.heads.norm == HeadRule::Norm::each ? c.head_dim : x.size(1) * c.head_dim});
}

at::Tensor normed(ModelConfig const& c, at::Tensor const& x, at::Tensor const& scale) {
    if (c.heads.norm == HeadRule::Norm::none) return x;
    return rms_norm(norm_rows(c, x), scale, c.rms_norm_eps).view(x.sizes());
}

at::Tensor normed_backward(ModelConfig const& c, at::Tensor const& dy, at::Tensor const& x, at::Tensor const& scale) {
    if (c.heads.norm == HeadRule::Norm::none) return dy;
    return rms_norm_backward(norm_rows(c, dy), norm_rows(c, x), scale, c.rms_norm_eps).view(x.sizes());
}

at::Tensor clipped(ModelConfig const& c, at::Tensor const& x) {
    return c.heads.clip ? x.clamp(-*c.heads.clip, *c.heads.clip) : x;
}

// A value on the limit still has a gradient.
at::Tensor clipped_backward(ModelConfig const& c, at::Tensor const& dy, at::Tensor const& x) {
    return c.heads.clip ? dy.masked_fill(x.abs().gt(*c.heads.clip), 0.0) : dy;
}

}  // namespace

Heads split_heads(ModelConfig const& c, at::Tensor const& heads) {
    return {heads.slice(1, 0, c.num_heads), heads.slice(1, c.num_heads, c.num_heads + c.num_kv_heads),
            heads.slice(1, c.num_heads + c.num_kv_heads)};
}

Heads prepare_heads(ModelConfig const& c, LayerWeights const& weights, Heads const& made) {
    return {clipped(c, normed(c, made.q, weights.q_norm)), clipped(c, normed(c, made.k, weights.k_norm)),
            clipped(c, made.v)};
}

Heads prepare_heads_backward(ModelConfig const& c, LayerWeights const& weights, Heads const& made, Heads gradient) {
    auto const through = [&](at::Tensor const& dy, at::Tensor const& x, at::Tensor const& scale) {
        return normed_backward(c, clipped_backward(c, dy, c.heads.clip ? normed(c, x, scale) : x), x, scale);
    };
    return {through(gradient.q, made.q, weights.q_norm), through(gradient.k, made.k, weights.k_norm),
            clipped_backward(c, gradient.v, made.v)};
}

}  // namespace gatesweep
