"""What Phi-3.5-MoE has that other families lack: sparsemixer, LayerNorm, biases, longrope."""

import math

import torch

LONGROPE = dict(short_factor=[1.0, 1.1, 1.4, 2.5], long_factor=[1.2, 2.0, 7.0, 30.0])


def config_fields(c):
    f = c.family
    return dict(num_local_experts=c.experts, sliding_window=c.window, router_jitter_noise=f.noise, input_jitter_noise=0.01,
                attention_bias=f.biases, lm_head_bias=f.biases)


def longrope(c):
    """As the released config has it: the length also beside the dictionary."""
    length, short, long = c.family.longrope
    fields = dict(LONGROPE, original_max_position_embeddings=length, short_mscale=short, long_mscale=long)
    if c.spelling == "v4":
        return dict(original_max_position_embeddings=length, rope_scaling=dict(fields, type="longrope"))
    return dict(rope_parameters=dict(fields, rope_type="longrope", rope_theta=c.theta))


def layer_weights(c, normal, g, prefix):
    q, kv, d = c.heads * c.head_size, c.kv_heads * c.head_size, c.hidden
    w = {f"{prefix}{name}_layernorm.bias": normal(g, d, scale=0.3) for name in ("input", "post_attention")}
    if c.family.biases:
        for name, size in (("q_proj", q), ("k_proj", kv), ("v_proj", kv), ("o_proj", d)):
            w[f"{prefix}self_attn.{name}.bias"] = normal(g, size, scale=0.4)
    return w


def end_weights(c, normal, g):
    w = {"model.norm.bias": normal(g, c.hidden, scale=0.3)}
    if c.family.biases:
        w["lm_head.bias"] = normal(g, c.vocab, scale=0.5)
    return w


def steps(scores, noise):
    """Of each of the two steps: the best left, its score, the scores left, and which are too far from it."""
    order = scores.sort(dim=-1, descending=True, stable=True).indices[:, :2]  # ties to the lower id
    left = scores
    for best in order.split(1, dim=1):
        top = left.gather(1, best)
        yield best, top, left, (top - scores) / scores.abs().clamp(min=top) > 2 * noise
        left = left.scatter(1, best, -math.inf)


def mix(scores, noise):
    """Weights and experts, as transformers' sparsemixer gives them in evaluation; nobody left is weight 0."""
    weights, chosen = [], []
    for best, _, left, is_far in steps(scores, noise):
        p = left.masked_fill(is_far, -math.inf).softmax(dim=-1).nan_to_num(0.0)
        weights.append(p.gather(1, best))
        chosen.append(best)
    return torch.cat(weights, dim=1), torch.cat(chosen, dim=1)


def gaps(scores, noise):
    """[T]: least distance of a token to another result: of the three largest to each other, and of any to a threshold.

    There are many thresholds: a tenth of the distance to them counts as enough. Scores that an edit made equal are no near tie.
    """
    values = scores.sort(dim=-1, descending=True).values
    between = values[:, :2] - values[:, 1:3]
    least = torch.where((between > 0) & between.isfinite(), between, math.inf).amin(dim=1)
    for best, top, left, _ in steps(scores, noise):
        away = 10 * (top - left - 2 * noise * scores.abs().clamp(min=top)).abs()
        away = torch.where(left.isfinite() & top.isfinite(), away, math.inf).scatter(1, best, math.inf)
        least = torch.minimum(least, away.amin(dim=1))
    return least
