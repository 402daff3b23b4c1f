"""What sets the families of the golden checkpoints apart: fields of config.json, matrices besides Mixtral's, names."""

import dataclasses

import gpt_oss
import phimoe

ARCHITECTURES = {"mixtral": "MixtralForCausalLM", "olmoe": "OlmoeForCausalLM", "qwen2_moe": "Qwen2MoeForCausalLM",
                 "qwen3_moe": "Qwen3MoeForCausalLM", "deepseek": "DeepseekForCausalLM",
                 "deepseek_v2": "DeepseekV2ForCausalLM", "phimoe": "PhimoeForCausalLM", "gpt_oss": "GptOssForCausalLM"}


@dataclasses.dataclass
class Family:
    model_type: str = "mixtral"
    renormalise: bool = True  # norm_topk_prob; Mixtral always does
    clip: float | None = None  # clip_qkv
    shared: int = 0  # width of the shared expert; of DeepSeek's families, how many experts wide
    step: int = 1  # decoder_sparse_step; moe_layer_freq
    dense: tuple = ()  # mlp_only_layers
    first: int = 0  # first_k_dense_replace
    groups: tuple | None = None  # n_group, topk_group
    scale: float = 1.0  # routed_scaling_factor
    query_rank: int | None = None  # q_lora_rank
    latent: tuple | None = None  # kv_lora_rank, qk_nope_head_dim, qk_rope_head_dim, v_head_dim
    rope: dict | None = None  # rope_scaling, or rope_parameters but for theta
    noise: float | None = None  # router_jitter_noise of sparsemixer
    biases: bool = False  # attention_bias and lm_head_bias
    longrope: tuple | None = None  # length of the first training, short_mscale, long_mscale
    limit: float = 7.0  # swiglu_limit
    layer_types: tuple = ()  # (): not in config.json

    @property
    def router(self):
        return "router" if self.model_type in ("gpt_oss", "phimoe") else "gate"

    def is_dense(self, layer):
        if self.model_type.startswith("deepseek"):
            return layer < self.first or layer % self.step != 0
        return (layer + 1) % self.step != 0 or layer in self.dense


def config_fields(c):
    """What takes the place of Mixtral's own fields."""
    f = c.family
    if f.model_type.startswith("deepseek"):
        return deepseek_fields(c)
    fields = dict(model_type=f.model_type, architectures=[ARCHITECTURES[f.model_type]], num_experts=c.experts,
                  norm_topk_prob=f.renormalise)
    if f.model_type == "phimoe":
        del fields["num_experts"], fields["norm_topk_prob"]
        return dict(fields, **phimoe.config_fields(c))
    if f.model_type == "gpt_oss":
        return dict(model_type=f.model_type, architectures=fields["architectures"], **gpt_oss.config_fields(c))
    if f.model_type == "olmoe":
        return dict(fields, clip_qkv=f.clip, attention_bias=False)
    fields.update(intermediate_size=dense_width(c), moe_intermediate_size=c.ffn, decoder_sparse_step=f.step,
                  mlp_only_layers=list(f.dense),
                  use_sliding_window=False, sliding_window=8, max_window_layers=c.layers)
    if f.model_type == "qwen2_moe":
        return dict(fields, shared_expert_intermediate_size=f.shared)
    return dict(fields, attention_bias=False)


def deepseek_fields(c):
    f = c.family
    fields = dict(model_type=f.model_type, architectures=[ARCHITECTURES[f.model_type]], n_routed_experts=c.experts,
                  norm_topk_prob=f.renormalise, intermediate_size=dense_width(c), moe_intermediate_size=c.ffn,
                  n_shared_experts=f.shared, first_k_dense_replace=f.first, moe_layer_freq=f.step,
                  scoring_func="softmax", aux_loss_alpha=0.001, seq_aux=True, attention_bias=False, pretraining_tp=1)
    if f.latent:
        groups = f.groups or (1, 1)
        names = ("kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim")
        fields.update(zip(names, f.latent), q_lora_rank=f.query_rank, routed_scaling_factor=f.scale, n_group=groups[0],
                      topk_group=groups[1], topk_method="group_limited_greedy" if f.groups else "greedy", ep_size=1)
    return fields


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
    if f.model_type.startswith("deepseek"):
        return w if f.is_dense(int(prefix.split(".")[2])) else shared_weights(c, normal, generator, prefix + "mlp.shared_experts.",
                                                                             f.shared * c.ffn)
    if f.model_type == "phimoe":
        return phimoe.layer_weights(c, normal, generator, prefix)
    if f.model_type == "gpt_oss":
        return gpt_oss.attention_weights(c, normal, generator, prefix)
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
        w.update(shared_weights(c, normal, generator, prefix + "mlp.shared_expert.", f.shared))
        w[prefix + "mlp.shared_expert_gate.weight"] = normal(generator, 1, d, scale=2 * d**-0.5)
    return w


def latent_weights(c, normal, generator, prefix):
    """Latent attention of one layer."""
    f, d, h = c.family, c.hidden, c.heads
    rank, plain, rotated, value = f.latent
    w = {}
    if f.query_rank:
        w["q_a_proj.weight"] = normal(generator, f.query_rank, d, scale=d**-0.5)
        w["q_a_layernorm.weight"] = 1.2 + normal(generator, f.query_rank, scale=0.2)
        w["q_b_proj.weight"] = normal(generator, h * (plain + rotated), f.query_rank, scale=1.5 * f.query_rank**-0.5)
    else:
        w["q_proj.weight"] = normal(generator, h * (plain + rotated), d, scale=1.5 * d**-0.5)
    w["kv_a_proj_with_mqa.weight"] = normal(generator, rank + rotated, d, scale=1.5 * d**-0.5)
    w["kv_a_layernorm.weight"] = 1.2 + normal(generator, rank, scale=0.2)
    w["kv_b_proj.weight"] = normal(generator, h * (plain + value), rank, scale=1.2 * rank**-0.5)
    w["o_proj.weight"] = normal(generator, d, h * value, scale=(h * value)**-0.5)
    return {prefix + name: tensor for name, tensor in w.items()}


def shared_weights(c, normal, generator, prefix, width):
    d = c.hidden
    return {prefix + "gate_proj.weight": normal(generator, width, d, scale=1.5 * d**-0.5),
            prefix + "up_proj.weight": normal(generator, width, d, scale=1.5 * d**-0.5),
            prefix + "down_proj.weight": normal(generator, d, width, scale=1.5 * width**-0.5)}


def end_weights(c, normal, generator):
    """Outside the layers, drawn last."""
    return phimoe.end_weights(c, normal, generator) if c.family.model_type == "phimoe" else {}


def hub_names(c, weights):
    """One tensor per expert matrix, as released checkpoints have it. The first half of gate_up_proj is the gate."""
    is_mixtral = c.family.model_type in ("mixtral", "phimoe")  # their names
    gate, down, up = ("w1", "w2", "w3") if is_mixtral else ("gate_proj", "down_proj", "up_proj")
    out = {}
    for name, tensor in weights.items():
        if is_mixtral:
            name = name.replace(".mlp.", ".block_sparse_moe.").replace(".router.", ".gate.")
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
