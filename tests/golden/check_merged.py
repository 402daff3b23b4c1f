#!/usr/bin/env python3
"""Whether a checkpoint that `gatesweep merge` wrote is the golden one with its adapter added: check_merged.py CHECKPOINT FOLDER.

transformers loads it; every weight must be W + scale B A rounded once to the type of the file, to the bit.
"""

import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import load_file

import checkpoints
import make_adapters
import reference

HERE = pathlib.Path(__file__).parent


def pairs_of(c, folder):
    """From the fused file, whose ranks of gate come before those of up."""
    tensors = load_file(folder / "adapter/fused/adapter_model.safetensors")
    words, rank, pairs = json.loads((folder / "adapter/adapter.json").read_text()), make_adapters.RANK, {}
    for layer, expert, matrix in words["places"]:
        prefix = f"{make_adapters.PREFIX}model.layers.{layer}."
        if expert < 0:
            a, b = (tensors[f"{prefix}self_attn.{matrix}.lora_{h}.weight"] for h in "AB")
            pairs[layer, expert, matrix] = a[:rank], b[:, :rank]
            continue
        inside = "" if matrix == "w2" else ".base_layer"
        a, b = (tensors[f"{prefix}mlp.experts{inside}.lora_{h}.weight"] for h in "AB")
        a, b = a.view(c.experts, 2 * rank, -1)[expert], b.view(-1, 2 * rank, c.experts)[:, :, expert]
        ranks = slice(rank, None) if matrix == "w3" else slice(0, rank)
        pairs[layer, expert, matrix] = a[ranks], (b if matrix == "w2" else b[make_adapters.rows(c, matrix)])[:, ranks]
    return pairs


def main():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    name, merged = sys.argv[1], pathlib.Path(sys.argv[2])
    c = next(c for c in checkpoints.CHECKPOINTS if c.name == name)
    model, other = reference.load(HERE / name / "model", torch.float32), reference.load(merged, torch.float32)
    make_adapters.add(c, model, pairs_of(c, HERE / name))
    for parameter in model.parameters():
        parameter.data = checkpoints.storable(c, parameter.data)
    ours = other.state_dict()
    for key, tensor in model.state_dict().items():
        assert torch.equal(ours[key], tensor), key
    prompts = [row["token_ids"] for row in json.loads((HERE / name / "golden.json").read_text())["prompts"]]
    expected = json.loads((HERE / name / "adapter/adapter.json").read_text())["losses"]
    off = make_adapters.largest(expected, make_adapters.losses(other, prompts))
    print(f"{name}: every weight is equal; losses differ by {off:.1e} from those before the rounding to {c.storage}")


if __name__ == "__main__":
    main()
