#!/usr/bin/env python3
"""Makes what Hugging Face transformers computes on pairs.jsonl, beside the goldens of some checkpoints. See README.md.

Independent of gatesweep: the chat template, the tokens and where they stand in the text are the tokenizer's own
(return_offsets_mapping), the experts are the indices that every router returns.
"""

import json
import pathlib
import sys

import numpy as np
import torch
import transformers

import reference

HERE = pathlib.Path(__file__).parent
CHECKPOINTS = ["hub-bf16", "fused-f16", "olmoe-bf16", "qwen2-dense-bf16", "qwen3-moe-bf16"]


def side(tokenizer, messages, target):
    """Token ids of the conversation as it stands, and the tokens [first, last) of the last place of the target."""
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=False)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    begin = text.rindex(target)
    end = begin + len(target)
    counted = [i for i, (a, b) in enumerate(encoded["offset_mapping"]) if a < end and b > begin]
    assert counted == list(range(counted[0], counted[-1] + 1))
    return encoded["input_ids"], counted[0], counted[-1] + 1


@torch.no_grad()
def routed(model, ids, first, last):
    """Tokens of the span by layer and expert, the mean loss of the whole text, the smallest margin of any choice."""
    tokens = torch.tensor([ids])
    with reference.recorded_routing(model) as record:
        loss = model(input_ids=tokens, labels=tokens, use_cache=False).loss.item()
    experts = record[0][1].shape[-1]
    counts = torch.stack([torch.bincount(chosen[first:last].flatten(), minlength=experts) for _, _, chosen in record])
    margin = min(reference.router_margin(z, model.config.num_experts_per_tok) for _, z, _ in record)
    return counts, loss, margin


def risk_differences(counts, tokens, layers):
    """SteerMoE's table of the pairs: rows of layer, expert, a1, a2, d1, d2, risk_diff, the largest |risk_diff| first."""
    chosen = counts.sum(axis=0)
    n = tokens.sum(axis=0)
    rows = []
    for row, layer in enumerate(layers):
        for expert in range(chosen.shape[2]):
            a = [int(chosen[s, row, expert]) for s in (0, 1)]
            difference = a[0] / int(n[0]) - a[1] / int(n[1])
            rows.append((layer, expert, a[0], a[1], int(n[0]) - a[0], int(n[1]) - a[1], difference))
    return sorted(rows, key=lambda r: (-abs(r[6]), r[0], r[1]))


def make(name):
    folder = HERE / name
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "model")
    model = reference.load(folder / "model", torch.float32)
    rows, counts, tokens = [], [], []
    for line in (HERE / "pairs.jsonl").read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        sides = []
        for s in (0, 1):
            ids, first, last = side(tokenizer, pair[f"messages_{s}"], pair[f"messages_{s}_target"])
            of_side, loss, margin = routed(model, ids, first, last)
            assert margin > 1e-4, (name, pair.get("id"), s, margin)
            sides.append(dict(token_ids=ids, first=first, last=last, loss=loss))
            counts.append(of_side.numpy())
            tokens.append(last - first)
        rows.append(dict(sides=sides))
    experts = counts[0].shape[-1]
    counts = np.stack(counts).astype(np.int64).reshape(len(rows), 2, -1, experts)
    np.save(folder / "pair_counts.npy", counts)
    table = risk_differences(counts, np.array(tokens).reshape(-1, 2), reference.sparse_layers(model))
    lines = ['"pairs": [\n' + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]",
             '"risk_difference": [\n' + ",\n".join(json.dumps(row, separators=(",", ":")) for row in table) + "\n]"]
    (folder / "pairs.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    for checkpoint in sys.argv[1:] or CHECKPOINTS:
        make(checkpoint)
