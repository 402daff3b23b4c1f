#!/usr/bin/env python3
"""Makes what the routing audit gives on audit_prompts.csv with Hugging Face transformers, beside the goldens of some
checkpoints. See README.md.

Independent of gatesweep: tokens are the tokenizer's own, weights follow from every router's logits and the experts that
it returns, and the divergence is computed from entropies.
"""

import csv
import json
import pathlib
import sys

import numpy as np
import torch
import transformers

import reference

HERE = pathlib.Path(__file__).parent
DEMO = HERE.parent.parent / "prompts/demo"
CHECKPOINTS = ["hub-bf16", "olmoe-bf16", "qwen2-dense-bf16"]


@torch.no_grad()
def routed(model, ids, first, last):
    """Routing vectors [L,E] of the tokens [first, last), their experts [L,T,K], the smallest margin of any choice."""
    with reference.recorded_routing(model) as record:
        model(input_ids=torch.tensor([ids]), use_cache=False)
    vectors, experts = [], []
    for _, logits, chosen in record:
        p = torch.softmax(logits.float(), dim=-1).gather(1, chosen).double()[first:last]
        vector = torch.zeros(logits.shape[-1], dtype=torch.float64)
        vector.index_add_(0, chosen[first:last].flatten(), (p / p.sum(dim=-1, keepdim=True)).flatten())
        vectors.append(vector.numpy() / (last - first))
        experts.append(chosen[first:last].sort(dim=-1).values.numpy())
    margin = min(reference.router_margin(z, model.config.num_experts_per_tok) for _, z, _ in record)
    assert margin > 1e-4, margin
    return np.stack(vectors), np.stack(experts)


def entropy(p):
    return -np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0), axis=-1)


def js(p, q):
    return entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2


def top(vectors, k):
    """The k largest entries of every layer; the k-th must stand apart."""
    ordered = np.sort(vectors, axis=-1)[:, ::-1]
    assert (ordered[:, k - 1] - ordered[:, k] > 1e-6).all() or (ordered[:, k] == 0).all(), ordered
    return [set(np.argsort(-row, kind="stable")[:k].tolist()) for row in vectors]


def of_vectors(a, b, k):
    return dict(js=js(a, b).tolist(), overlap=[len(x & y) for x, y in zip(top(a, k), top(b, k))])


def of_tokens(a, b):
    overlap = [np.mean([len(set(s) & set(t)) for s, t in zip(x, y)]) for x, y in zip(a[1], b[1])]
    return dict(js=js(a[0], b[0]).tolist(), overlap=overlap)


def topic_pairs(rows, label):
    topics = {}
    for i, row in enumerate(rows):
        if row["label"] == label:
            topics.setdefault(row["topic"], []).append(i)
    lists, seen = list(topics.values()), []
    for these, following in zip(lists, lists[1:] + lists[:1]):
        for i, a in enumerate(these):
            b = following[i % len(following)]
            if {a, b} not in [set(pair) for pair in seen]:
                seen.append((a, b))
    return seen


def matched_pairs(rows):
    return [(a, b) for a, x in enumerate(rows) for b, y in enumerate(rows)
            if x["label"] == "harmful" and y["label"] == "benign" and x["pair"] and x["pair"] == y["pair"]]


def lines(name):
    return (DEMO / name).read_text().splitlines()


def make(name):
    folder = HERE / name
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "model")
    model = reference.load(folder / "model", torch.float32)
    k = model.config.num_experts_per_tok
    rows = list(csv.DictReader((HERE / "audit_prompts.csv").open()))
    rows.sort(key=lambda row: row["label"])  # benign first, as in the job
    refusals, answers = lines("refusals.txt"), lines("compliances.txt")
    prompts = []
    for row in rows:
        text = tokenizer.apply_chat_template([dict(role="user", content=row["prompt"])], tokenize=False)
        prompts.append(tokenizer(text, add_special_tokens=False)["input_ids"])
    vectors = [routed(model, ids, 0, len(ids))[0] for ids in prompts]
    out = dict(prompts=[dict(id=row["id"], num_tokens=len(ids), shares=v.tolist())
                        for row, ids, v in zip(rows, prompts, vectors)])
    for condition, pairs in [("topic", topic_pairs(rows, "benign") + topic_pairs(rows, "harmful")),
                             ("matched", matched_pairs(rows))]:
        out[condition] = [dict(a=rows[a]["id"], b=rows[b]["id"], **of_vectors(vectors[a], vectors[b], k))
                          for a, b in pairs]
    out["refusal-prefix"], out["continuation"] = [], []
    for i, p in enumerate(i for i, row in enumerate(rows) if row["label"] == "harmful"):
        ids, of_prompt = prompts[p], dict(a=rows[p]["id"], b=rows[p]["id"])
        refusal, answer = (tokenizer(texts[i % len(texts)], add_special_tokens=False)["input_ids"]
                           for texts in (refusals, answers))
        with_refusal = routed(model, ids + refusal, 0, len(ids) + len(refusal))[0]
        out["refusal-prefix"].append(dict(**of_prompt, **of_vectors(vectors[p], with_refusal, k)))
        end = len(ids) + min(len(refusal), len(answer))
        both = [routed(model, (ids + behind)[:end], len(ids), end) for behind in (refusal, answer)]
        out["continuation"].append(dict(**of_prompt, counted=end - len(ids), **of_tokens(*both)))
    (folder / "audit.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for checkpoint in sys.argv[1:] or CHECKPOINTS:
        make(checkpoint)
