#!/usr/bin/env python3
"""Makes what torch computes of a step of hardening, beside the goldens of some checkpoints. See README.md.

Independent of gatesweep: low-rank changes W + alpha / rank B A put into Hugging Face transformers' own modules by
functional calls, the gradient by autograd, the step by torch.optim.AdamW.
"""

import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

import reference

HERE = pathlib.Path(__file__).parent
CHECKPOINTS = ["hub-bf16", "olmoe-bf16", "qwen2-dense-bf16", "gpt-oss-f32", "deepseek-v2-lite-f32"]
RANK, ALPHA, BETA, GAMMA = 2, 6.0, 0.7, 0.3
RATE, DECAY, CLIP = 1e-2, 0.1, 0.5
MATRICES = ["w1", "w3", "w2", "q_proj", "k_proj", "v_proj", "o_proj"]


def targets(model):
    """Places [layer, expert, matrix] that are changed, in gatesweep's order: experts of two layers, one attention."""
    layers = reference.sparse_layers(model)
    latent = hasattr(model.config, "kv_lora_rank")
    attention = [[layers[-1], -1, m] for m in (MATRICES[6:] if latent else MATRICES[3:])]
    experts = [[layer, e, m] for layer, e in ((layers[0], 1), (layers[0], 2), (layers[-1], 0)) for m in MATRICES[:3]]
    return sorted(attention + experts, key=lambda p: (p[0], p[1], MATRICES.index(p[2])))


def turned(model):
    return model.config.model_type == "gpt_oss"  # experts [E,in,out], rows of gate and up in turn


def change(model, place, delta):
    """What `delta` [out,in] of the place adds to a parameter: its name, and the change in the parameter's shape."""
    layer, expert, matrix = place
    if expert < 0:
        return f"model.layers.{layer}.self_attn.{matrix}.weight", delta
    name = f"model.layers.{layer}.mlp.experts." + ("down_proj" if matrix == "w2" else "gate_up_proj")
    whole = torch.zeros_like(model.get_parameter(name))
    of_expert = whole[expert].t() if turned(model) else whole[expert]
    if matrix == "w2":
        part = of_expert
    elif turned(model):
        part = of_expert[0 if matrix == "w1" else 1::2]
    else:
        half = of_expert.shape[0] // 2
        part = of_expert[:half] if matrix == "w1" else of_expert[half:]
    part.copy_(torch.ones_like(part))  # a place of the parameter for each element
    index = whole.bool()
    out = torch.zeros_like(whole)
    if turned(model):
        return name, out.masked_scatter(index, delta.t())
    return name, out.masked_scatter(index, delta)


def shape(model, place):
    layer, expert, matrix = place
    if expert < 0:
        return model.get_parameter(f"model.layers.{layer}.self_attn.{matrix}.weight").shape
    gate_up = model.get_parameter(f"model.layers.{layer}.mlp.experts.gate_up_proj")[expert]
    outputs, inputs = reversed(gate_up.shape) if turned(model) else gate_up.shape
    return (outputs // 2, inputs) if matrix != "w2" else (inputs, outputs // 2)


def adapted(model, places, pairs):
    changed = {}
    for place, (a, b) in zip(places, pairs):
        name, delta = change(model, place, ALPHA / RANK * b @ a)
        changed[name] = changed.get(name, model.get_parameter(name).detach()) + delta
    return changed


def passed(model, ids, changed):
    """Log-probabilities [n,V] and router logits of each sparse layer [n,E]."""
    routes = []
    hooks = [router.register_forward_hook(lambda r, inputs, _: routes.append(reference.router_logits(r, inputs[0])))
             for router in reference.routers(model)]
    logits = torch.func.functional_call(model, changed, (torch.tensor([ids]),), dict(use_cache=False)).logits[0]
    for hook in hooks:
        hook.remove()
    return F.log_softmax(logits.float(), -1), routes


def losses(model, texts, changed):
    refusal, kl, drift, rows = [], [], [], [0, 0]
    num_tokens = sum(len(t["token_ids"]) for t in texts)
    for text in texts:
        ids, first = text["token_ids"], text["first"]
        log_p, routes = passed(model, ids, changed)
        with torch.no_grad():
            base_log_p, base_routes = passed(model, ids, {})
        answer = slice(first - 1, max(len(ids) - 1, first))
        if text["is_refusal"]:
            refusal.append(-log_p[answer].gather(1, torch.tensor(ids[first:])[:, None]).sum())
            rows[0] += len(ids) - first
        else:
            kl.append(F.kl_div(log_p[answer], base_log_p[answer], log_target=True, reduction="sum"))
            rows[1] += log_p[answer].shape[0]
        for z, z0 in zip(routes, base_routes):
            drift.append(F.kl_div(F.log_softmax(z.float(), -1), F.log_softmax(z0.float(), -1), log_target=True,
                                  reduction="sum"))
    return (sum(refusal) / rows[0], sum(kl) / rows[1],
            sum(drift) / (num_tokens * len(reference.sparse_layers(model))))


def make(name):
    folder = HERE / name
    golden = json.loads((folder / "golden.json").read_text())
    model = reference.load(folder / "model", torch.float32).requires_grad_(False)
    prompts = [p["token_ids"] for p in golden["prompts"] if 6 <= len(p["token_ids"]) <= 40][:5]
    texts = [dict(token_ids=ids, first=max(1, 2 * len(ids) // 3), is_refusal=i % 2 == 0) for i, ids in enumerate(prompts)]
    texts[1]["first"] = len(texts[1]["token_ids"])  # an empty answer of the base model
    places = targets(model)
    generator = torch.Generator().manual_seed(7)
    pairs = []
    for place in places:
        outputs, inputs = shape(model, place)
        a = torch.randn(RANK, inputs, generator=generator) / inputs**0.5
        b = torch.randn(outputs, RANK, generator=generator) * 0.2
        pairs.append((a.requires_grad_(), b.requires_grad_()))
    flat = [m for pair in pairs for m in pair]
    start = torch.cat([m.detach().flatten() for m in flat])
    refusal, kl, drift = losses(model, texts, adapted(model, places, pairs))
    (refusal + BETA * kl + GAMMA * drift).backward()
    gradient = torch.cat([m.grad.flatten() for m in flat])
    assert all(m.grad.abs().max() > 0 for m in flat), name
    norm = torch.nn.utils.clip_grad_norm_(flat, CLIP).item()
    torch.optim.AdamW(flat, lr=RATE, weight_decay=DECAY).step()
    np.save(folder / "hardening_start.npy", start.double().numpy())
    np.save(folder / "hardening_gradient.npy", gradient.double().numpy())
    np.save(folder / "hardening_after.npy", torch.cat([m.detach().flatten() for m in flat]).double().numpy())
    facts = dict(rank=RANK, alpha=ALPHA, beta=BETA, gamma=GAMMA, learning_rate=RATE, weight_decay=DECAY, clip=CLIP,
                 places=places, shapes=[list(shape(model, p)) for p in places], texts=texts, refusal=refusal.item(),
                 kl=kl.item(), drift=drift.item(), norm=norm)
    (folder / "hardening.json").write_text(json.dumps(facts, separators=(",", ":")) + "\n")
    print(name, facts["refusal"], facts["kl"], facts["drift"], norm, start.numel())


if __name__ == "__main__":
    for checkpoint in sys.argv[1:] or CHECKPOINTS:
        make(checkpoint)
