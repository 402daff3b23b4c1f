#!/usr/bin/env python3
"""Writes what the hardening demo needs: an adapter that damages the planted experts, and prompts to train on.

The damage takes the largest directions out of what the planted experts write (w2), as a low-rank adapter in PEFT's
files: jobs/demo/weakened. Needs numpy and safetensors. The same arguments give the same bytes.
"""

import argparse
import csv
import json
import pathlib
import random

import numpy as np
from safetensors.numpy import save_file

import texts

ROOT = pathlib.Path(__file__).resolve().parents[3]
NAME = "model.layers.{}.block_sparse_moe.experts.{}.w2"
TRAINED = dict(harmful=200, benign=200)


def read_weight(model, name):
    """bfloat16, which numpy does not know, is the upper half of a float32."""
    index = json.loads((model / "model.safetensors.index.json").read_text())["weight_map"]
    raw = (model / index[name]).read_bytes()
    size = int.from_bytes(raw[:8], "little")
    entry = json.loads(raw[8:8 + size])[name]
    assert entry["dtype"] == "BF16"
    begin, end = entry["data_offsets"]
    half = np.frombuffer(raw[8 + size + begin:8 + size + end], dtype="<u2")
    return (half.astype("<u4") << 16).view("<f4").reshape(entry["shape"])


def damage(model, planted, rank):
    tensors = {}
    for layer, expert in planted:
        name = NAME.format(layer, expert)
        u, s, vt = np.linalg.svd(read_weight(model, name + ".weight").astype(np.float64))
        for part, value in (("A", vt[:rank]), ("B", -u[:, :rank] * s[:rank])):
            tensors[f"base_model.model.{name}.lora_{part}.weight"] = np.ascontiguousarray(value, dtype=np.float32)
    return tensors


def training_requests(seed):
    """Of actions that the shipped prompt files do not hold, none twice."""
    rng, sets = random.Random(seed), {}
    for label, count in TRAINED.items():
        categories = [c for c in texts.CATEGORIES if label in texts.ACTIONS[c]]
        found = {}
        while len(found) < count:
            request = texts.draw_request(rng, label, categories[len(found) % len(categories)])
            found.setdefault(request.prompt, request)
        sets[f"{label}_train"] = list(found.values())
    return sets


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rank", type=int, default=8, help="directions that are taken out of each w2")
    parser.add_argument("--seed", type=int, default=3)
    args = parser.parse_args()
    with open(ROOT / "jobs/demo/planted_experts.csv") as file:
        planted = [(int(row["layer"]), int(row["expert"])) for row in csv.DictReader(file)]
    folder = ROOT / "jobs/demo/weakened"
    folder.mkdir(exist_ok=True)
    save_file(damage(ROOT / "jobs/demo/model", planted, args.rank), folder / "adapter_model.safetensors")
    config = dict(peft_type="LORA", task_type="CAUSAL_LM", base_model_name_or_path="jobs/demo/model", r=args.rank,
                  lora_alpha=args.rank, lora_dropout=0.0, bias="none", target_modules=["w2"], inference_mode=True)
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1) + "\n")
    texts.write_prompt_files(ROOT / "prompts/demo", training_requests(args.seed))


if __name__ == "__main__":
    main()
