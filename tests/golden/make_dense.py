#!/usr/bin/env python3
"""Makes the dense checkpoints, of the kinds that judge, and what Hugging Face computes on them. See README.md."""

import dataclasses
import json
import math
import pathlib
import shutil
import sys

import sentencepiece
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

import checkpoints
import make_prompts
import templates
import vocabularies
from make_goldens import NEW_TOKENS, token_ids, write_json
from search import GREEDY_MARGIN

HERE = pathlib.Path(__file__).parent
VOCAB, HIDDEN, FFN, LAYERS, EOS = 384, 16, 32, 2, 2
ANSWERS = [262, 17, 371, 300, 2]  # ids whose log-probabilities are compared, in this order


@dataclasses.dataclass
class Dense:
    name: str
    model_type: str
    architecture: str
    storage: str
    spelling: str  # as in checkpoints.py
    heads: int
    kv_heads: int
    head_dim: int | None  # None: absent, hidden / heads
    theta: float
    eps: float
    tied: bool
    own: dict  # fields of config.json that only this family has

    @property
    def head_size(self):
        return self.head_dim or HIDDEN // self.heads


NO_WINDOW = dict(use_sliding_window=False, sliding_window=8, max_window_layers=LAYERS)
MODELS = [
    Dense("dense-bf16", "mistral", "MistralForCausalLM", "bfloat16", "v4", 4, 2, 8, 1e4, 1e-5, False,
          dict(sliding_window=12)),
    Dense("dense-qwen2-bf16", "qwen2", "Qwen2ForCausalLM", "bfloat16", "v4", 4, 2, None, 1e6, 1e-6, True, NO_WINDOW),
    Dense("dense-qwen3-f32", "qwen3", "Qwen3ForCausalLM", "float32", "v5", 2, 1, 12, 1e6, 1e-6, False,
          dict(NO_WINDOW, attention_bias=False, layer_types=["full_attention"] * LAYERS)),
    Dense("dense-llama-f16", "llama", "LlamaForCausalLM", "float16", "v4", 2, 2, None, 1e5, 1e-5, True,
          dict(attention_bias=False, mlp_bias=False, pretraining_tp=1)),
    Dense("dense-llama3-bf16", "llama", "LlamaForCausalLM", "bfloat16", "v4", 2, 1, 16, 1e4, 1e-5, False,
          dict(attention_bias=False, mlp_bias=False, rope_scaling=dict(
              rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32))),
]


def config_json(m):
    config = dict(
        architectures=[m.architecture], attention_dropout=0.0, bos_token_id=1, eos_token_id=EOS, hidden_act="silu",
        hidden_size=HIDDEN, initializer_range=0.02, intermediate_size=FFN, max_position_embeddings=1024,
        model_type=m.model_type, num_attention_heads=m.heads, num_hidden_layers=LAYERS, num_key_value_heads=m.kv_heads,
        rms_norm_eps=m.eps, tie_word_embeddings=m.tied, use_cache=True, vocab_size=VOCAB, **m.own)
    if m.head_dim:
        config["head_dim"] = m.head_dim
    if m.spelling == "v4":
        config.update(rope_theta=m.theta, torch_dtype=m.storage, transformers_version="4.36.0")
    else:
        config.update(rope_parameters=dict(rope_theta=m.theta, rope_type="default"), dtype=m.storage, pad_token_id=None,
                      transformers_version="5.0.0")
    return dict(sorted(config.items()))


def random_weights(m, seed):
    """Scaled by fan-in, as the weights of the other checkpoints."""
    g, q, kv = torch.Generator().manual_seed(seed), m.heads * m.head_size, m.kv_heads * m.head_size

    def matrix(rows, columns, scale):
        return checkpoints.normal(g, rows, columns, scale=scale * columns**-0.5)

    def norm(size=HIDDEN, mean=1.0, scale=0.1):
        return mean + checkpoints.normal(g, size, scale=scale)

    # A tied embedding is the head as well: logits a few units wide.
    w = {"model.embed_tokens.weight": checkpoints.normal(g, VOCAB, HIDDEN, scale=2 * HIDDEN**-0.5 if m.tied else 1.0)}
    for layer in range(LAYERS):
        p = f"model.layers.{layer}."
        w[p + "input_layernorm.weight"] = norm()
        w[p + "post_attention_layernorm.weight"] = norm()
        w[p + "self_attn.q_proj.weight"] = matrix(q, HIDDEN, 1.5)
        w[p + "self_attn.k_proj.weight"] = matrix(kv, HIDDEN, 1.5)
        w[p + "self_attn.v_proj.weight"] = matrix(kv, HIDDEN, 1.0)
        w[p + "self_attn.o_proj.weight"] = matrix(HIDDEN, q, 1.0)
        if m.model_type == "qwen2":
            for name, size in (("q_proj", q), ("k_proj", kv), ("v_proj", kv)):
                w[f"{p}self_attn.{name}.bias"] = checkpoints.normal(g, size, scale=0.5)
        if m.model_type == "qwen3":
            for name in ("q_norm", "k_norm"):
                w[f"{p}self_attn.{name}.weight"] = norm(m.head_size, 1.2, 0.2)
        w[p + "mlp.gate_proj.weight"] = matrix(FFN, HIDDEN, 1.5)
        w[p + "mlp.up_proj.weight"] = matrix(FFN, HIDDEN, 1.5)
        w[p + "mlp.down_proj.weight"] = matrix(HIDDEN, FFN, 1.5)
    w["model.norm.weight"] = norm()
    if not m.tied:
        w["lm_head.weight"] = matrix(VOCAB, HIDDEN, 2.0)
    return {name: tensor.to(checkpoints.STORAGE[m.storage]) for name, tensor in w.items()}


@torch.no_grad()
def logits(model, ids):
    return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].float()


def measure(model, ids):
    """Mean next-token cross-entropy, and log-probabilities of the answers after the last token."""
    log_p = logits(model, ids).double().log_softmax(dim=-1)
    loss = -log_p[:-1].gather(1, torch.tensor(ids[1:])[:, None]).mean().item()
    return dict(loss=loss, answer_log_probabilities=log_p[-1, ANSWERS].tolist())


def greedy(model, ids):
    """The whole sequence again at each step; tokens and the least distance of best to second, in units of the spread."""
    new, margin = [], math.inf
    while len(new) < NEW_TOKENS and EOS not in new:
        last = logits(model, ids + new)[-1]
        best = last.topk(2)
        margin = min(margin, ((best.values[0] - best.values[1]) / last.std()).item())
        new.append(best.indices[0].item())
    return new, margin


def in_memory(m, weights):
    fields = config_json(m)
    for name in ("model_type", "torch_dtype", "dtype", "transformers_version"):
        fields.pop(name, None)
    config = AutoConfig.for_model(m.model_type, **fields)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
    if m.tied:
        weights = {**weights, "lm_head.weight": weights["model.embed_tokens.weight"]}
    model.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return model


def write_model(m, weights, vocabulary):
    folder = HERE / m.name / "model"
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.mkdir(parents=True)
    checkpoints.save(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config_json(m), indent=2) + "\n")
    generation = dict(_from_model_config=True, bos_token_id=1, eos_token_id=EOS)
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    templates.write(folder, "first", "string")
    (folder / "tokenizer.model").write_bytes(vocabulary)
    return folder


def check_config(m, config):
    """What transformers reads from the file is what was meant."""
    scaling = m.own.get("rope_scaling", dict(rope_type="default"))
    assert scaling.items() <= config.rope_parameters.items(), config.rope_parameters
    assert config.rope_parameters["rope_theta"] == m.theta and config.tie_word_embeddings == m.tied
    assert config.sliding_window == 12 if m.model_type == "mistral" else not getattr(config, "sliding_window", None)


def make(m, number, rows, vocabulary):
    processor = sentencepiece.SentencePieceProcessor(model_proto=vocabulary)
    prompts = [token_ids(row, processor) for row in rows]
    first = 9000 + 100 * number
    for seed in range(first, first + 100):  # until every greedy choice is clear, and continuations do not repeat a token
        weights = random_weights(m, seed)
        model = in_memory(m, weights)
        continued = [greedy(model, ids) for ids in prompts]
        if min(x for _, x in continued) > GREEDY_MARGIN and min(len(set(new)) for new, _ in continued) >= NEW_TOKENS // 2:
            break
    else:
        raise RuntimeError(f"{m.name}: no seed gives clear choices")

    model, info = AutoModelForCausalLM.from_pretrained(
        write_model(m, weights, vocabulary), dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    assert not any(info.values()), info
    check_config(m, model.config)
    continued = [greedy(model.eval(), ids) for ids in prompts]
    margin = min(x for _, x in continued)
    assert margin > GREEDY_MARGIN
    write_json(
        HERE / m.name / "golden.json",
        dict(checkpoint=m.name, torch=torch.__version__.split("+")[0], transformers=transformers.__version__,
             sentencepiece=sentencepiece.__version__, seed=seed, min_greedy_margin=margin, answers=ANSWERS),
        dict(prompts=[dict(id=row["id"], token_ids=ids, **measure(model, ids), greedy_ids=new)
                      for row, ids, (new, _) in zip(rows, prompts, continued)]))
    print(f"{m.name}: seed {seed}, greedy margin {margin:.1e}")


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    rows, vocabulary = make_prompts.rows(), vocabularies.all_vocabularies()[VOCAB]
    wanted = sys.argv[1:] or [m.name for m in MODELS]
    for number, m in enumerate(MODELS):
        if m.name in wanted:
            make(m, number, rows, vocabulary)


if __name__ == "__main__":
    main()
