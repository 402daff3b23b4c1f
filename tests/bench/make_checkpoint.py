#!/usr/bin/env python3
"""Makes a random checkpoint of any shape (Mixtral, OLMoE or Qwen3-MoE), with prompts and a job for it.

    python3 tests/bench/make_checkpoint.py OUT --hidden 1024 --ffn 3584 --layers 4 --experts 8 --dtype bf16
    python3 tests/bench/make_checkpoint.py OUT --family olmoe --experts 64 --top-k 8 --layers 16 --kv-heads 16

OUT/model is a checkpoint in the hub's layout (shards, index, config.json), OUT/job.toml runs it, OUT/benign.* and
OUT/harmful.* are its prompts. Where the vocabulary is at least the demo model's, the demo's tokenizer is put beside the
weights and its prompts are used; else prompts are rows of token ids. Weights are written as they are drawn, so memory
stays small whatever the size. Needs numpy. The same arguments give the same bytes.
"""

import argparse
import csv
import json
import pathlib
import shutil
import struct

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "jobs/demo/model"
TYPES = {"bf16": ("BF16", 2, "bfloat16"), "f16": ("F16", 2, "float16"), "f32": ("F32", 4, "float32")}
PIECE = 1 << 22  # values drawn at a time
ARCHITECTURES = {"mixtral": "MixtralForCausalLM", "olmoe": "OlmoeForCausalLM", "qwen3_moe": "Qwen3MoeForCausalLM"}
GATE_SCALE = 4.0  # standard deviation of router logits: the top experts of a token lie far apart


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--family", choices=ARCHITECTURES, default="mixtral")
    parser.add_argument("--hidden", type=int, default=1024)
    parser.add_argument("--ffn", type=int, default=3584)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--experts", type=int, default=8)
    parser.add_argument("--top-k", type=int, default=2)
    parser.add_argument("--heads", type=int, default=16)
    parser.add_argument("--kv-heads", type=int, default=4)
    parser.add_argument("--head-dim", type=int, help="hidden / heads without it; of qwen3_moe")
    parser.add_argument("--vocab", type=int, default=2048)
    parser.add_argument("--dtype", choices=TYPES, default="bf16")
    parser.add_argument("--shard-size", type=float, default=200, help="MB of tensors in a shard, at most")
    parser.add_argument("--prompts", type=int, default=16, help="of each group")
    parser.add_argument("--prompt-tokens", type=int, default=64, help="of a prompt of token ids")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for name, value in vars(args).items():
        if name not in ("out", "dtype", "seed", "family", "head_dim") and value <= 0:
            parser.error(f"--{name.replace('_', '-')} must be above 0")
    if args.head_dim and args.family != "qwen3_moe":
        parser.error("--head-dim is for --family qwen3_moe")
    if args.heads % args.kv_heads or not args.head_dim and (args.hidden % args.heads or args.hidden // args.heads % 2):
        parser.error("--heads must divide --hidden into even parts, and --kv-heads must divide --heads")
    args.head_dim = args.head_dim or args.hidden // args.heads
    if args.top_k > args.experts:
        parser.error("--top-k is more than --experts")
    if args.out.exists() and any(args.out.iterdir()):
        parser.error(f"{args.out} is not empty")
    return args


def tensors(a):
    """name, shape, standard deviation of the values; 0 stands for ones (norms)"""
    fan = lambda width: width**-0.5
    q, kv = a.heads * a.head_dim, a.kv_heads * a.head_dim
    norms = {"mixtral": None, "olmoe": (q, kv), "qwen3_moe": (a.head_dim, a.head_dim)}[a.family]  # of queries, keys
    block = "block_sparse_moe" if a.family == "mixtral" else "mlp"
    gate, down, up = ("w1", "w2", "w3") if a.family == "mixtral" else ("gate_proj", "down_proj", "up_proj")
    branch = (2 * a.layers) ** -0.5  # what a branch adds to the residual stream
    yield "model.embed_tokens.weight", (a.vocab, a.hidden), 1.0
    for layer in range(a.layers):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", (a.hidden,), 0
        yield at + "self_attn.q_proj.weight", (q, a.hidden), fan(a.hidden)
        yield at + "self_attn.k_proj.weight", (kv, a.hidden), fan(a.hidden)
        yield at + "self_attn.v_proj.weight", (kv, a.hidden), fan(a.hidden)
        yield at + "self_attn.o_proj.weight", (a.hidden, q), fan(q) * branch
        for name, size in zip(("q_norm", "k_norm"), norms or ()):
            yield f"{at}self_attn.{name}.weight", (size,), 0
        yield at + "post_attention_layernorm.weight", (a.hidden,), 0
        yield f"{at}{block}.gate.weight", (a.experts, a.hidden), fan(a.hidden) * GATE_SCALE
        for expert in range(a.experts):
            to = f"{at}{block}.experts.{expert}."
            yield f"{to}{gate}.weight", (a.ffn, a.hidden), fan(a.hidden)
            yield f"{to}{down}.weight", (a.hidden, a.ffn), fan(a.ffn) * branch
            yield f"{to}{up}.weight", (a.ffn, a.hidden), fan(a.hidden)
    yield "model.norm.weight", (a.hidden,), 0
    yield "lm_head.weight", (a.vocab, a.hidden), fan(a.hidden)


def stored(values, dtype):
    """The bytes of float32 values; bfloat16 is rounded to nearest, ties to even."""
    if dtype == "f16":
        return values.astype("<f2").tobytes()
    if dtype == "f32":
        return values.astype("<f4").tobytes()
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()


def write_values(file, count, deviation, dtype, rng):
    for begin in range(0, count, PIECE):
        size = min(PIECE, count - begin)
        values = rng.standard_normal(size, dtype=np.float32) * np.float32(deviation) if deviation else np.ones(size, np.float32)
        file.write(stored(values, dtype))


def plan_shards(a):
    shards, size = [[]], 0
    for name, shape, deviation in tensors(a):
        num_bytes = int(np.prod(shape)) * TYPES[a.dtype][1]
        if shards[-1] and size + num_bytes > a.shard_size * 1e6:
            shards.append([])
            size = 0
        shards[-1].append((name, shape, deviation, num_bytes))
        size += num_bytes
    return shards


def write_shard(path, entries, a, rng):
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, shape, _, num_bytes in entries:
        header[name] = {"dtype": TYPES[a.dtype][0], "shape": shape, "data_offsets": [end, end + num_bytes]}
        end += num_bytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, shape, deviation, _ in entries:
            write_values(file, int(np.prod(shape)), deviation, a.dtype, rng)


def write_model(folder, a, rng):
    shards = plan_shards(a)
    places, total = {}, 0
    for number, entries in enumerate(shards, 1):
        name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        write_shard(folder / name, entries, a, rng)
        places |= {entry[0]: name for entry in entries}
        total += sum(entry[3] for entry in entries)
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))
    config = {
        "architectures": [ARCHITECTURES[a.family]], "model_type": a.family, "torch_dtype": TYPES[a.dtype][2],
        "hidden_size": a.hidden, "intermediate_size": a.ffn, "num_hidden_layers": a.layers,
        "num_attention_heads": a.heads, "num_key_value_heads": a.kv_heads, "num_local_experts": a.experts,
        "num_experts_per_tok": a.top_k, "vocab_size": a.vocab, "max_position_embeddings": 32768,
        "hidden_act": "silu", "rms_norm_eps": 1e-5, "rope_theta": 1e6, "sliding_window": None,
        "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2,
    }
    if a.family != "mixtral":
        config["num_experts"] = config.pop("num_local_experts")
        config["norm_topk_prob"] = a.family == "qwen3_moe"  # as the published ones
    if a.family == "qwen3_moe":
        config |= {"moe_intermediate_size": a.ffn, "head_dim": a.head_dim, "decoder_sparse_step": 1, "mlp_only_layers": []}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    return total


def write_texts(a, group):
    with open(ROOT / f"prompts/demo/{group}.csv", encoding="utf-8", newline="") as file:
        rows = [[row["id"], row["prompt"]] for row in csv.DictReader(file)]
    with open(a.out / f"{group}.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "prompt"]] + rows[:a.prompts])
    return f"{group}.csv"


def write_token_ids(a, group, rng):
    with open(a.out / f"{group}.jsonl", "w") as file:
        for number in range(a.prompts):
            ids = [1] + rng.integers(3, a.vocab, a.prompt_tokens - 1).tolist()
            file.write(json.dumps({"id": f"{group}-{number}", "token_ids": ids}) + "\n")
    return f"{group}.jsonl"


def main():
    a = parse_arguments()
    rng = np.random.Generator(np.random.SFC64(a.seed))
    model = a.out / "model"
    model.mkdir(parents=True, exist_ok=True)
    total = write_model(model, a, rng)
    as_text = a.vocab >= json.loads((DEMO / "config.json").read_text())["vocab_size"]
    if as_text:
        for name in ("tokenizer.model", "tokenizer_config.json"):
            shutil.copy(DEMO / name, model / name)
    job = '[model]\npath = "model"\n'
    for group in ("benign", "harmful"):
        file = write_texts(a, group) if as_text else write_token_ids(a, group, rng)
        job += f'\n[[prompts]]\ngroup = "{group}"\nfile = "{file}"\n'
    (a.out / "job.toml").write_text(job)
    print(f"{model}: {total / 1e6:.1f} MB of tensors, {'text' if as_text else 'token id'} prompts, {a.out / 'job.toml'}")


if __name__ == "__main__":
    main()
