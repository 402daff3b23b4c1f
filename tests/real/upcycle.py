#!/usr/bin/env python3
"""Makes a Mixtral of a dense Llama checkpoint: upcycle.py DENSE FOLDER [--disturb LAYER EXPERT] [--top-k K].

Every expert of a layer is a copy of its MLP, and the router is random. The weights of the chosen experts sum to one, so
whatever is chosen the model computes what the dense one does, and no edit of the router may change anything. With
--disturb one expert of one layer gets noise as large as its weights: then this one expert matters, and no other.
"""

import argparse
import json
import pathlib
import shutil

import torch
from safetensors.torch import load_file, save_file

EXPERTS = 8
NAMES = {"gate_proj": "w1", "down_proj": "w2", "up_proj": "w3"}


def experts_of(layer, part, matrix, disturbed, generator):
    for expert in range(EXPERTS):
        copy = matrix.clone()
        if (layer, expert) == disturbed:
            noise = torch.randn(matrix.shape, generator=generator) * matrix.float().std()
            copy = (matrix.float() + noise).bfloat16()
        yield f"model.layers.{layer}.block_sparse_moe.experts.{expert}.{NAMES[part]}.weight", copy


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dense", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--disturb", type=int, nargs=2, metavar=("LAYER", "EXPERT"))
    parser.add_argument("--top-k", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    config = json.loads((a.dense / "config.json").read_text())
    routers, noise = torch.Generator().manual_seed(a.seed), torch.Generator().manual_seed(a.seed + 1)
    out = {}
    for name, tensor in sorted(load_file(a.dense / "model.safetensors").items()):
        if ".mlp." not in name:
            out[name] = tensor
            continue
        _, _, layer, _, part, _ = name.split(".")
        out.update(experts_of(int(layer), part, tensor, a.disturb and tuple(a.disturb), noise))
    for layer in range(config["num_hidden_layers"]):
        scale = 2 * config["hidden_size"] ** -0.5
        gate = torch.randn(EXPERTS, config["hidden_size"], generator=routers) * scale
        out[f"model.layers.{layer}.block_sparse_moe.gate.weight"] = gate.bfloat16()

    for field in ("attention_bias", "mlp_bias", "pretraining_tp"):
        del config[field]
    config.update(architectures=["MixtralForCausalLM"], model_type="mixtral", num_local_experts=EXPERTS,
                  num_experts_per_tok=a.top_k, sliding_window=None, output_router_logits=False)
    a.folder.mkdir(parents=True, exist_ok=True)
    (a.folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    for name in ("generation_config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(a.dense / name, a.folder / name)
    save_file({name: tensor.contiguous() for name, tensor in out.items()}, a.folder / "model.safetensors", {"format": "pt"})


if __name__ == "__main__":
    main()
