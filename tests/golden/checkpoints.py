"""The small random checkpoints: how they differ, their weights, and their files."""

import dataclasses
import json

import torch
from safetensors.torch import save_file

import families
import gpt_oss
import phimoe
from families import Family

STORAGE = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


@dataclasses.dataclass
class Checkpoint:
    name: str
    storage: str
    spelling: str  # "v4": rope_theta and torch_dtype at the top; "v5": rope_parameters and dtype
    layout: str  # "hub": one tensor per expert matrix; "fused": one per layer; "mxfp4": the same as blocks and scales
    shards: int
    vocab: int
    hidden: int
    ffn: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int | None  # None: absent from config.json or null, hidden / heads
    experts: int
    top_k: int
    theta: float
    eps: float
    window: int | None
    tied: bool
    eos_list: bool
    template: str
    template_place: str
    family: Family = dataclasses.field(default_factory=Family)
    number: int | None = None  # the random weights follow from it; None: its place in the list below

    @property
    def head_size(self):
        return self.head_dim or self.hidden // self.heads

    @property
    def sparse_layers(self):
        return [layer for layer in range(self.layers) if not self.family.is_dense(layer)]


YARN = dict(type="yarn", beta_fast=32, beta_slow=1, mscale=0.707, mscale_all_dim=0.5, original_max_position_embeddings=32)

CHECKPOINTS = [
    Checkpoint("hub-bf16", "bfloat16", "v4", "hub", 3, 512, 48, 40, 2, 4, 2, None, 8, 2, 1e6, 1e-5, None, False, False,
               "first", "string"),
    Checkpoint("fused-f16", "float16", "v5", "fused", 1, 384, 80, 32, 2, 4, 1, 24, 4, 2, 1e4, 1e-6, 8, True, True,
               "second", "file"),
    Checkpoint("plain-f32", "float32", "v4", "hub", 1, 384, 32, 32, 3, 2, 2, None, 4, 2, 1e4, 1e-5, None, False, False,
               "first", "list"),
    Checkpoint("wide-bf16", "bfloat16", "v5", "hub", 2, 384, 40, 32, 2, 4, 4, None, 16, 4, 5e5, 1e-6, 16, True, False,
               "second", "string"),
    Checkpoint("three-f16", "float16", "v5", "fused", 2, 512, 48, 40, 2, 6, 3, 16, 8, 3, 1e6, 1e-5, None, False, True,
               "first", "string"),
    Checkpoint("top1-bf16", "bfloat16", "v4", "hub", 1, 384, 32, 32, 2, 4, 2, 8, 4, 1, 1e4, 1e-5, 8, True, False,
               "second", "list"),
    Checkpoint("olmoe-bf16", "bfloat16", "v4", "hub", 2, 384, 32, 16, 2, 4, 2, None, 8, 3, 1e4, 1e-5, None, False, False,
               "first", "string", Family("olmoe", renormalise=False)),
    Checkpoint("olmoe-clip-f32", "float32", "v5", "fused", 1, 384, 32, 16, 2, 4, 4, None, 4, 2, 5e5, 1e-6, None, True, True,
               "second", "file", Family("olmoe", clip=1.5)),
    Checkpoint("qwen2-moe-bf16", "bfloat16", "v4", "hub", 1, 384, 32, 16, 2, 4, 2, None, 8, 2, 1e6, 1e-6, None, False, False,
               "first", "list", Family("qwen2_moe", renormalise=False, shared=24)),
    Checkpoint("qwen2-moe-f16", "float16", "v5", "fused", 2, 384, 32, 16, 3, 2, 2, None, 4, 2, 1e4, 1e-5, None, True, True,
               "second", "string", Family("qwen2_moe", shared=40)),
    Checkpoint("qwen3-moe-bf16", "bfloat16", "v4", "hub", 3, 384, 32, 16, 2, 4, 2, 16, 16, 4, 1e6, 1e-6, None, True, True,
               "first", "string", Family("qwen3_moe")),
    Checkpoint("qwen3-moe-f32", "float32", "v5", "fused", 1, 384, 32, 16, 2, 2, 1, 24, 4, 1, 1e4, 1e-6, None, True, False,
               "second", "list", Family("qwen3_moe", renormalise=False)),
    Checkpoint("qwen2-dense-bf16", "bfloat16", "v4", "hub", 1, 384, 32, 16, 4, 2, 2, None, 4, 2, 1e6, 1e-6, None, True, False,
               "first", "string", Family("qwen2_moe", renormalise=False, shared=24, step=2)),
    Checkpoint("qwen3-dense-f32", "float32", "v5", "fused", 1, 384, 32, 16, 3, 2, 1, 16, 4, 2, 1e4, 1e-6, None, True, False,
               "second", "string", Family("qwen3_moe", dense=(1,))),
    Checkpoint("deepseek-bf16", "bfloat16", "v4", "hub", 2, 384, 32, 16, 3, 4, 4, None, 8, 3, 1e4, 1e-6, None, True, False,
               "first", "string", Family("deepseek", renormalise=False, shared=2, first=1)),
    Checkpoint("deepseek-f32", "float32", "v4", "hub", 1, 384, 32, 16, 3, 4, 2, None, 4, 2, 1e4, 1e-6, None, True, False,
               "second", "list", Family("deepseek", shared=1, step=2)),
    Checkpoint("deepseek-v2-bf16", "bfloat16", "v4", "hub", 2, 384, 32, 16, 2, 2, 2, None, 8, 2, 1e4, 1e-5, None, True, False,
               "first", "string", Family("deepseek_v2", renormalise=False, shared=1, groups=(4, 2), scale=2.5, query_rank=20,
                                         latent=(12, 8, 8, 8),
                                         rope=dict(YARN, factor=4.0, rope_theta=1e4, rope_type="yarn"))),
    Checkpoint("deepseek-v2-lite-f32", "float32", "v5", "fused", 1, 384, 32, 16, 3, 4, 4, None, 4, 2, 1e4, 1e-6, None, True,
               False, "second", "string", Family("deepseek_v2", renormalise=False, shared=2, first=1, latent=(16, 4, 6, 9))),
    Checkpoint("phimoe-bf16", "bfloat16", "v4", "hub", 2, 384, 32, 16, 2, 4, 2, None, 8, 2, 1e4, 1e-5, None, False, True,
               "first", "string", Family("phimoe", noise=0.25, biases=True, longrope=(64, 1.2, 1.2)), 14),
    Checkpoint("phimoe-long-f32", "float32", "v5", "fused", 1, 384, 32, 16, 2, 4, 4, None, 4, 2, 5e5, 1e-6, 40, True, False,
               "second", "list", Family("phimoe", noise=0.4, longrope=(100, 1.1, 1.35)), 15),
    Checkpoint("gpt-oss-mxfp4", "bfloat16", "v4", "mxfp4", 3, 384, 64, 32, 2, 4, 2, 16, 8, 3, 1.5e5, 1e-5, 8, False, True,
               "first", "string", Family("gpt_oss", layer_types=("sliding_attention", "full_attention"), rope=dict(
                   rope_type="yarn", factor=32.0, beta_fast=32.0, beta_slow=1.0, original_max_position_embeddings=4096,
                   truncate=False)), 14),
    Checkpoint("gpt-oss-f32", "float32", "v5", "fused", 1, 384, 32, 24, 3, 4, 1, 24, 4, 2, 1e4, 1e-6, 16, True, False,
               "second", "string", Family("gpt_oss", limit=1.5, rope=dict(
                   rope_type="yarn", factor=4.0, original_max_position_embeddings=64)), 15),
]


def storable(c, tensor):
    """Rounded to what the file can hold, but float32: what a reader of the file will see."""
    return tensor.to(STORAGE[c.storage]).float()


def normal(generator, *shape, scale):
    return torch.randn(*shape, generator=generator) * scale


def random_gate(c, generator):
    """Logits a few units wide, so that choices are clear; rows of unequal length, so that experts are unequally busy."""
    rows = torch.linspace(0.6, 1.4, c.experts)[torch.randperm(c.experts, generator=generator)]
    return storable(c, normal(generator, c.experts, c.hidden, scale=3 * c.hidden**-0.5) * rows[:, None])


def random_weights(c, seed):
    """Fused names. Every matrix is scaled by its fan-in: all layers matter, unlike with the usual 0.02."""
    g, d, q, kv = torch.Generator().manual_seed(seed), c.hidden, c.heads * c.head_size, c.kv_heads * c.head_size
    head = 2 * d**-0.5  # of the output layer: logits a few units wide
    w = {"model.embed_tokens.weight": normal(g, c.vocab, d, scale=head if c.tied else 1.0)}
    for layer in range(c.layers):
        p = f"model.layers.{layer}."
        w[p + "input_layernorm.weight"] = 1 + normal(g, d, scale=0.1)
        w[p + "post_attention_layernorm.weight"] = 1 + normal(g, d, scale=0.1)
        if c.family.latent:
            w.update(families.latent_weights(c, normal, g, p + "self_attn."))
        else:
            w[p + "self_attn.q_proj.weight"] = normal(g, q, d, scale=1.5 * d**-0.5)
            w[p + "self_attn.k_proj.weight"] = normal(g, kv, d, scale=1.5 * d**-0.5)
            w[p + "self_attn.v_proj.weight"] = normal(g, kv, d, scale=d**-0.5)
            w[p + "self_attn.o_proj.weight"] = normal(g, d, q, scale=q**-0.5)
        w.update(families.extra_weights(c, normal, g, p))
        if c.family.is_dense(layer):
            w.update(families.mlp_weights(c, normal, g, p))
            continue
        if c.family.model_type == "gpt_oss":
            w.update(gpt_oss.expert_weights(c, normal, g, p, random_gate(c, g)))
            continue
        w[f"{p}mlp.{c.family.router}.weight"] = random_gate(c, g)
        w[p + "mlp.experts.gate_up_proj"] = normal(g, c.experts, 2 * c.ffn, d, scale=1.5 * d**-0.5)
        w[p + "mlp.experts.down_proj"] = normal(g, c.experts, d, c.ffn, scale=1.5 * c.ffn**-0.5)
    w["model.norm.weight"] = 1 + normal(g, d, scale=0.1)
    if not c.tied:
        w["lm_head.weight"] = normal(g, c.vocab, d, scale=head)
    w.update(families.end_weights(c, normal, g))
    return {name: storable(c, tensor) for name, tensor in w.items()}


def config_json(c, eos):
    config = dict(
        architectures=["MixtralForCausalLM"], attention_dropout=0.0, bos_token_id=1, eos_token_id=eos, hidden_act="silu",
        hidden_size=c.hidden, initializer_range=0.02, intermediate_size=c.ffn, max_position_embeddings=1024,
        model_type="mixtral", num_attention_heads=c.heads, num_experts_per_tok=c.top_k, num_hidden_layers=c.layers,
        num_key_value_heads=c.kv_heads, num_local_experts=c.experts, output_router_logits=False, rms_norm_eps=c.eps,
        router_aux_loss_coef=0.02, sliding_window=c.window, tie_word_embeddings=c.tied, use_cache=True,
        vocab_size=c.vocab)
    if c.family.model_type != "mixtral":
        for name in ("num_local_experts", "sliding_window"):
            del config[name]
        config.update(families.config_fields(c))
    if c.head_dim or (c.spelling == "v5" and c.family.model_type == "mixtral"):
        config["head_dim"] = c.head_dim  # v5 writes null where v4 writes nothing
    if c.spelling == "v4":
        config.update(rope_theta=c.theta, torch_dtype=c.storage, transformers_version="4.36.0")
        if c.family.rope:
            config.update(rope_scaling=dict(c.family.rope))  # transformers adds to what it is given
    else:
        rope = c.family.rope
        parameters = dict(rope, rope_theta=c.theta) if rope else dict(rope_theta=c.theta, rope_type="default")
        config.update(rope_parameters=parameters, dtype=c.storage, pad_token_id=None, transformers_version="5.0.0")
        config.setdefault("router_jitter_noise", 0.0)
    if c.family.longrope:
        config.update(phimoe.longrope(c))
    return dict(sorted(config.items()))


def save(tensors, path):
    save_file(tensors, path, {"format": "pt"})
    path.chmod(0o644)  # the writer leaves it readable by its owner only


def write_weights(c, folder, weights):
    layouts = {"hub": lambda: families.hub_names(c, weights), "mxfp4": lambda: gpt_oss.packed(weights)}
    tensors = layouts[c.layout]() if c.layout in layouts else weights
    tensors = {name: (tensor if tensor.dtype == torch.uint8 else tensor.to(STORAGE[c.storage])).contiguous()
               for name, tensor in tensors.items()}
    if c.shards == 1:
        save(tensors, folder / "model.safetensors")
        return
    # Cut by count, not by layer: a layer then spans shards, as in the released checkpoints.
    files = [f"model-{i + 1:05d}-of-{c.shards:05d}.safetensors" for i in range(c.shards)]
    place = {name: files[i * c.shards // len(tensors)] for i, name in enumerate(tensors)}
    for file in files:
        save({n: t for n, t in tensors.items() if place[n] == file}, folder / file)
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    index = dict(metadata=dict(total_size=size), weight_map=dict(sorted(place.items())))
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


def write_configs(c, folder, eos):
    (folder / "config.json").write_text(json.dumps(config_json(c, eos), indent=2) + "\n")
    generation = dict(_from_model_config=True, bos_token_id=1, eos_token_id=eos)
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
