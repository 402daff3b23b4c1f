"""What gpt-oss has that other families lack: router and experts with biases, sinks, and MXFP4 in its released layout."""

import torch

FP4 = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]  # codes 0 to 7; 8 to 15 are their negatives
BLOCK = 32  # values with one scale


def config_fields(c):
    f = c.family
    fields = dict(num_local_experts=c.experts, sliding_window=c.window, swiglu_limit=f.limit, attention_bias=True)
    if f.layer_types:
        fields.update(layer_types=list(f.layer_types))
    if c.layout == "mxfp4":
        fields.update(quantization_config=dict(
            quant_method="mxfp4", modules_to_not_convert=["model.layers.*.self_attn", "model.layers.*.mlp.router",
                                                          "model.embed_tokens", "lm_head"]))
    return fields


def attention_weights(c, normal, g, prefix):
    q, kv = c.heads * c.head_size, c.kv_heads * c.head_size
    w = {f"{prefix}self_attn.{name}.bias": normal(g, size, scale=0.3)
         for name, size in (("q_proj", q), ("k_proj", kv), ("v_proj", kv), ("o_proj", c.hidden))}
    w[prefix + "self_attn.sinks"] = normal(g, c.heads, scale=1.5)
    return w


def expert_weights(c, normal, g, prefix, gate):
    """[E, in, out], rows of gate and up in turn among the outputs of the first."""
    e, f, d = c.experts, c.ffn, c.hidden
    w = {prefix + "mlp.router.weight": gate,
         prefix + "mlp.router.bias": normal(g, e, scale=0.5),
         prefix + "mlp.experts.gate_up_proj": normal(g, e, d, 2 * f, scale=1.5 * d**-0.5),
         prefix + "mlp.experts.gate_up_proj_bias": normal(g, e, 2 * f, scale=0.5),
         prefix + "mlp.experts.down_proj": normal(g, e, f, d, scale=1.5 * f**-0.5),
         prefix + "mlp.experts.down_proj_bias": normal(g, e, d, scale=0.2)}
    if c.layout == "mxfp4":
        for name in w:
            if name.endswith("_proj"):
                w[name] = values(*quantised(w[name]))
    return w


def quantised(weight):
    """[E, in, out] -> blocks [E, out, in / 32, 16], the lower half of a byte first, and scales [E, out, in / 32]."""
    groups = weight.transpose(1, 2).unflatten(2, (-1, BLOCK))
    largest = groups.abs().amax(dim=-1, keepdim=True)
    exponents = torch.where(largest > 0, torch.floor(torch.log2(largest)) - 2, torch.zeros(()))  # 4 and 6 are 2^2 and above
    scaled = groups / torch.exp2(exponents)
    codes = (scaled.abs().unsqueeze(-1) - torch.tensor(FP4)).abs().argmin(dim=-1) + 8 * (scaled < 0)
    blocks = (codes[..., 0::2] + 16 * codes[..., 1::2]).to(torch.uint8)
    return blocks, (exponents.squeeze(-1) + 127).to(torch.uint8)


def values(blocks, scales):
    table = torch.tensor(FP4 + [-x for x in FP4])
    codes = torch.stack((blocks & 15, blocks >> 4), dim=-1).flatten(-2).long()
    return (table[codes] * torch.exp2(scales.float() - 127).unsqueeze(-1)).flatten(-2).transpose(1, 2).contiguous()


def packed(weights):
    """Names and tensors of the released layout."""
    out = {}
    for name, tensor in weights.items():
        if name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            blocks, scales = quantised(tensor)
            assert torch.equal(values(blocks, scales), tensor), name
            out[name + "_blocks"], out[name + "_scales"] = blocks, scales
        else:
            out[name] = tensor
    return out
