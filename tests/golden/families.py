"""What sets the families of the golden checkpoints apart: fields of config.json, matrices besides Mixtral's, names."""

import dataclasses

ARCHITECTURES = {"mixtral": "MixtralForCausalLM", "olmoe": "OlmoeForCausalLM", "qwen2_moe": "Qwen2MoeForCausalLM",
                 "qwen3_moe": "Qwen3MoeForCausalLM"}


@dataclasses.dataclass
class Family:
    model_type: str = "mixtral"
    renormalise: bool = True  # norm_topk_prob; Mixtral always does
    clip: float | None = None  # clip_qkv
    shared: int = 0  # width of the shared expert
    step: int = 1  # decoder_sparse_step
    dense: tuple = ()  # mlp_only_layers

    def is_dense(self, layer):
        return (layer + 1) % self.step != 0 or layer in self.dense


def config_fields(c):
    """What takes the place of Mixtral's own fields."""
    f = c.family
    fields = dict(model_type=f.model_type, architectures=[ARCHITECTURES[f.model_type]], num_experts=c.experts,
                  norm_topk_prob=f.renormalise)
    if f.model_type == "olmoe":
        return dict(fields, clip_qkv=f.clip, attention_bias=False)
    fields.update(intermediate_size=dense_width(c), moe_intermediate_size=c.ffn, decoder_sparse_step=f.step,
                  mlp_only_layers=list(f.dense),
                  use_sliding_window=False, sliding_window=8, max_window_layers=c.layers)
    if f.model_type == "qwen2_moe":
        return dict(fields, shared_expert_intermediate_size=f.shared)
    return dict(fields, attention_bias=False)


def dense_width(c):
    """Of layers without a router: not that of an expert."""
    return c.ffn + 8


def mlp_weights(c, normal, generator, prefix):
    """Of a layer without a router."""
    f, d = dense_width(c), c.hidden
    return {prefix + "mlp.gate_proj.weight": normal(generator, f, d, scale=1.5 * d**-0.5),
            prefix + "mlp.up_proj.weight": normal(generator, f, d, scale=1.5 * d**-0.5),
            prefix + "mlp.down_proj.weight": normal(generator, d, f, scale=1.5 * f**-0.5)}


def extra_weights(c, normal, generator, prefix):
    """Of one layer, in the order in which they are drawn; Mixtral has none."""
    f, d, q, kv = c.family, c.hidden, c.heads * c.head_size, c.kv_heads * c.head_size
    w = {}
    if f.model_type in ("olmoe", "qwen3_moe"):
        sizes = (q, kv) if f.model_type == "olmoe" else (c.head_size, c.head_size)
        for name, size in zip(("q_norm", "k_norm"), sizes):
            w[f"{prefix}self_attn.{name}.weight"] = 1.2 + normal(generator, size, scale=0.2)
    if f.model_type == "qwen2_moe":
        is_dense = f.is_dense(int(prefix.split(".")[2]))
        for name, size in (("q_proj", q), ("k_proj", kv), ("v_proj", kv)):
            w[f"{prefix}self_attn.{name}.bias"] = normal(generator, size, scale=0.5)
        if is_dense:
            return w
        shared = prefix + "mlp.shared_expert."
        w[shared + "gate_proj.weight"] = normal(generator, f.shared, d, scale=1.5 * d**-0.5)
        w[shared + "up_proj.weight"] = normal(generator, f.shared, d, scale=1.5 * d**-0.5)
        w[shared + "down_proj.weight"] = normal(generator, d, f.shared, scale=1.5 * f.shared**-0.5)
        w[prefix + "mlp.shared_expert_gate.weight"] = normal(generator, 1, d, scale=2 * d**-0.5)
    return w


def hub_names(c, weights):
    """One tensor per expert matrix, as released checkpoints have it. The first half of gate_up_proj is the gate."""
    is_mixtral = c.family.model_type == "mixtral"
    gate, down, up = ("w1", "w2", "w3") if is_mixtral else ("gate_proj", "down_proj", "up_proj")
    out = {}
    for name, tensor in weights.items():
        if is_mixtral:
            name = name.replace(".mlp.", ".block_sparse_moe.")
        if name.endswith("gate_up_proj"):
            for e, matrix in enumerate(tensor):
                first, second = matrix.chunk(2)
                out[name.replace("gate_up_proj", f"{e}.{gate}.weight")] = first
                out[name.replace("gate_up_proj", f"{e}.{up}.weight")] = second
        elif name.endswith("experts.down_proj"):
            for e, matrix in enumerate(tensor):
                out[name.replace("experts.down_proj", f"experts.{e}.{down}.weight")] = matrix
        else:
            out[name] = tensor
    return out
