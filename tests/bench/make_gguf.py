#!/usr/bin/env python3
"""Writes the weights of a bfloat16 checkpoint of make_checkpoint.py as GGUF, for timings of llama.cpp on the same model.

    python3 tests/bench/make_gguf.py MODEL OUT.gguf

As llama.cpp's own converter: matrices bfloat16, norms and routers float32, the experts of a layer in one tensor, rows of
queries and keys in the order of its rotary embedding (Mixtral's). No tokenizer, so the file serves benchmarks only. Needs numpy.
"""

import argparse
import json
import pathlib
import struct

import numpy as np

ALIGNMENT = 32
FLOAT32, BFLOAT16 = 0, 30  # types of tensors
UINT32, FLOAT, STRING = 4, 6, 8  # types of values


ARCHITECTURES = {"mixtral": "llama", "olmoe": "olmoe", "qwen3_moe": "qwen3moe"}


class Checkpoint:
    """Tensors by name, as bits of bfloat16."""

    def __init__(self, folder):
        self.places = {}
        for path in sorted(folder.glob("*.safetensors")):
            with open(path, "rb") as file:
                size = struct.unpack("<Q", file.read(8))[0]
                header = json.loads(file.read(size))
            header.pop("__metadata__", None)
            for name, entry in header.items():
                if entry["dtype"] != "BF16":
                    raise SystemExit(f"{path}: {name} is {entry['dtype']}; only BF16 is written")
                self.places[name] = (path, 8 + size + entry["data_offsets"][0], entry["shape"])

    def __getitem__(self, name):
        path, offset, shape = self.places[name]
        return np.memmap(path, "<u2", "r", offset, tuple(shape))


def for_rotary(weight, heads):
    """Pairs that are turned together stand half a head apart in the checkpoint, side by side in GGUF."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def widened(bits):
    return (bits.astype("<u4") << 16).view("<f4")


def tensors(model, config):
    """name, values as they are written"""
    is_mixtral = config["model_type"] == "mixtral"
    block = "block_sparse_moe" if is_mixtral else "mlp"
    sources = ("w1", "w2", "w3") if is_mixtral else ("gate_proj", "down_proj", "up_proj")
    turned = for_rotary if is_mixtral else lambda weight, heads: weight
    yield "token_embd.weight", model["model.embed_tokens.weight"]
    yield "output_norm.weight", widened(model["model.norm.weight"])
    yield "output.weight", model["lm_head.weight"]
    for layer in range(config["num_hidden_layers"]):
        at, to = f"model.layers.{layer}.", f"blk.{layer}."
        experts = [f"{at}{block}.experts.{e}." for e in range(num_experts(config))]
        yield to + "attn_norm.weight", widened(model[at + "input_layernorm.weight"])
        yield to + "ffn_norm.weight", widened(model[at + "post_attention_layernorm.weight"])
        if not is_mixtral:
            yield to + "attn_q_norm.weight", widened(model[at + "self_attn.q_norm.weight"])
            yield to + "attn_k_norm.weight", widened(model[at + "self_attn.k_norm.weight"])
        yield to + "attn_q.weight", turned(model[at + "self_attn.q_proj.weight"], config["num_attention_heads"])
        yield to + "attn_k.weight", turned(model[at + "self_attn.k_proj.weight"], config["num_key_value_heads"])
        yield to + "attn_v.weight", model[at + "self_attn.v_proj.weight"]
        yield to + "attn_output.weight", model[at + "self_attn.o_proj.weight"]
        yield to + "ffn_gate_inp.weight", widened(model[f"{at}{block}.gate.weight"])
        for name, source in zip(("gate", "down", "up"), sources):
            yield f"{to}ffn_{name}_exps.weight", np.stack([model[e + source + ".weight"] for e in experts])


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def num_experts(config):
    return config.get("num_local_experts") or config["num_experts"]


def entries(config):
    architecture = ARCHITECTURES[config["model_type"]]
    head = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    numbers = {"context_length": config["max_position_embeddings"], "embedding_length": config["hidden_size"],
               "block_count": config["num_hidden_layers"], "feed_forward_length": config["intermediate_size"],
               "expert_feed_forward_length": config["intermediate_size"], "attention.key_length": head, "attention.value_length": head,
               "attention.head_count": config["num_attention_heads"], "attention.head_count_kv": config["num_key_value_heads"],
               "rope.dimension_count": head, "expert_count": num_experts(config),
               "expert_used_count": config["num_experts_per_tok"], "vocab_size": config["vocab_size"]}
    for key, value in {"general.architecture": architecture, "tokenizer.ggml.model": "no_vocab"}.items():
        yield text(key) + struct.pack("<I", STRING) + text(value)
    for key, value in numbers.items():
        yield text(f"{architecture}.{key}") + struct.pack("<II", UINT32, value)
    for key, value in (("attention.layer_norm_rms_epsilon", config["rms_norm_eps"]), ("rope.freq_base", config["rope_theta"])):
        yield text(f"{architecture}.{key}") + struct.pack("<If", FLOAT, value)


def padded(size):
    return -(-size // ALIGNMENT) * ALIGNMENT


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    args = parser.parse_args()
    config = json.loads((args.model / "config.json").read_text())
    model = Checkpoint(args.model)
    pairs, infos, offset = list(entries(config)), [], 0
    for name, values in tensors(model, config):
        kind = BFLOAT16 if values.dtype.itemsize == 2 else FLOAT32
        dimensions = values.shape[::-1]
        infos.append(text(name) + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions, kind, offset))
        offset += padded(values.nbytes)
    with open(args.out, "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(pairs)) + b"".join(pairs) + b"".join(infos))
        file.write(bytes(padded(file.tell()) - file.tell()))
        for _, values in tensors(model, config):  # formed again, so that memory holds one at a time
            data = np.ascontiguousarray(values).tobytes()
            file.write(data + bytes(padded(len(data)) - len(data)))
    print(f"{args.out}: {len(infos)} tensors, {args.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
