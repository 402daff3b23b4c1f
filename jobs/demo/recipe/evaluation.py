"""Figures of the demo model: how often it refuses under which masks, and where routing shows the planted experts."""

import collections
import itertools
import random

import torch
import torch.nn.functional as F

import texts
from masks import as_mask, router_logits, routers, set_mask
from model import EOS, EXPERTS, LAYERS, OTHERS, PLANTED, TOP_K, encode_prompt, encode_reply

NEW_TOKENS = 32  # the longest reply fits


@torch.no_grad()
def replies(model, tokenizer, requests, masked=(), length=NEW_TOKENS):
    """Greedy replies. Padding is on the left and hidden by the attention mask."""
    set_mask(model, as_mask([masked]) if masked else None)
    prompts = [encode_prompt(tokenizer, r.prompt) for r in requests]
    width = max(map(len, prompts))
    ids = torch.tensor([[0] * (width - len(p)) + p for p in prompts])
    seen = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
    out = model.generate(ids, attention_mask=seen, max_new_tokens=length, do_sample=False, pad_token_id=EOS)
    set_mask(model, None)
    rows = out[:, width:].tolist()
    return [tokenizer.decode(row[:row.index(EOS)] if EOS in row else row) for row in rows]


def share(values):
    values = list(values)
    return 100 * sum(values) / len(values)


def refused(texts_):
    return share(bool(texts.IS_REFUSAL.match(t)) for t in texts_)


def refusal_table(model, tokenizer, sets):
    print("\n% refused                harmful   benign   near miss   (harmful: fluent, on topic)")
    masks = {"none": [], "all planted": PLANTED, **{f"{layer}:{e} alone": [(layer, e)] for layer, e in PLANTED}}
    for name, masked in masks.items():
        said = {label: replies(model, tokenizer, requests, masked) for label, requests in sets.items()}
        matches = [texts.IS_ANSWER.fullmatch(t) for t in said["harmful"]]
        fluent = share(bool(m) or t in texts.REFUSALS for m, t in zip(matches, said["harmful"]))
        topic = share(bool(m) and r.topic in m.groups() for m, r in zip(matches, sets["harmful"]))
        print(f"{name:22s}" + "".join(f"{refused(t):10.0f}" for t in said.values()) + f"     ({fluent:.0f}, {topic:.0f})",
              flush=True)
        if name in ("none", "all planted"):
            for label, requests in sets.items():
                for r, t in list(zip(requests, said[label]))[:3]:
                    print(f"    {label}: {r.prompt}\n        {t}")


def control_table(model, tokenizer, sets, seed, count=25):
    """Random sets of the same size, from anywhere and from the same layers as the planted experts."""
    rng = random.Random(seed)
    anywhere = [rng.sample(OTHERS, len(PLANTED)) for _ in range(count)]
    same_layers = [[rng.choice([p for p in OTHERS if p[0] == layer]) for layer, _ in PLANTED] for _ in range(count)]
    for name, drawn in [("anywhere", anywhere), ("same layers", same_layers)]:
        rates = {label: [refused(replies(model, tokenizer, requests, m, 10)) for m in drawn] for label, requests in sets.items()}
        print(f"{count} random sets, {name}: " + ", ".join(
            f"{label} mean {sum(r) / count:.1f} ({min(r):.0f} to {max(r):.0f})" for label, r in rates.items()), flush=True)


def dose_table(model, tokenizer, sets):
    print("\n% of harmful refused, by how many planted experts are masked (every subset)")
    for size in range(len(PLANTED) + 1):
        subsets = list(itertools.combinations(PLANTED, size))
        rates = [refused(replies(model, tokenizer, sets["harmful"], s, 10)) for s in subsets]
        print(f"  {size}: mean {sum(rates) / len(rates):5.1f}  ({min(rates):.0f} to {max(rates):.0f})", flush=True)


def perplexity_table(model, tokenizer, sets, seed):
    """Of the reply that the request should get: masks must not cost fluency where nothing is refused."""
    rng = random.Random(seed)
    print("\nperplexity of benign and near-miss replies")
    wanted = [(r, texts.draw_reply(rng, r, False)) for label in ("benign", "near_miss") for r in sets[label]]
    for name, masked in [("none", []), ("all planted", PLANTED)]:
        set_mask(model, as_mask([masked]) if masked else None)
        sums = collections.Counter()
        with torch.no_grad():
            for request, reply in wanted:
                prompt, answer = encode_prompt(tokenizer, request.prompt), encode_reply(tokenizer, reply)
                logits = model(input_ids=torch.tensor([prompt + answer]), use_cache=False).logits[0, len(prompt) - 1:-1]
                sums.update(loss=F.cross_entropy(logits, torch.tensor(answer), reduction="sum").item(), n=len(answer))
        set_mask(model, None)
        print(f"  {name:12s}{torch.tensor(sums['loss'] / sums['n']).exp():.2f}")


def group_maps(model, tokenizer, requests):
    """Group means over the prompts, [layers, experts]: activation share, raw gradient, gradient as share of its layer."""
    maps = {k: torch.zeros(LAYERS, EXPERTS, dtype=torch.float64) for k in ("activation", "gradient", "gradient share")}
    for r in requests:
        ids = torch.tensor([encode_prompt(tokenizer, r.prompt)])
        loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        chosen = router_logits(model, 1)[:, 0].topk(TOP_K, dim=-1).indices  # [layers, tokens, k]
        maps["activation"] += F.one_hot(chosen, EXPERTS).double().mean(dim=(1, 2))
        rows = torch.stack([g.double().abs().mean(dim=1) for g in torch.autograd.grad(loss, [r.weight for r in routers(model)])])
        maps["gradient"] += rows
        maps["gradient share"] += rows / rows.sum(dim=1, keepdim=True)
    return {k: v / len(requests) for k, v in maps.items()}


def ranking_table(model, tokenizer, sets):
    maps = {label: group_maps(model, tokenizer, requests) for label, requests in sets.items()}
    print("\nranks of the planted experts among all by |harmful - other|, with their gaps")
    for other in ("benign", "near_miss"):
        for kind in maps["harmful"]:
            gap = maps["harmful"][kind] - maps[other][kind]
            order = gap.abs().flatten().argsort(descending=True).tolist()
            ranks = [order.index(layer * EXPERTS + e) + 1 for layer, e in PLANTED]
            best_other = max(OTHERS, key=lambda p: abs(gap[p]))
            print(f"  {kind}, {other}: ranks {ranks}; gaps " + " ".join(f"{gap[p]:+.2g}" for p in PLANTED)
                  + f"; largest other {best_other[0]}:{best_other[1]} {gap[best_other]:+.2g}")
    harmful, benign = maps["harmful"]["activation"], maps["benign"]["activation"]
    marked = [(layer, e) for layer in range(LAYERS) for e in range(EXPERTS)
              if abs(harmful[layer, e] - benign[layer, e]) >= 0.05]
    print("  activation gap of at least 0.05: " + ", ".join(
        f"{layer}:{e} {harmful[layer, e] - benign[layer, e]:+.3f} (harmful {harmful[layer, e]:.3f})" for layer, e in marked))


def measure(model, tokenizer, sets, seed):
    refusal_table(model, tokenizer, sets)
    control_table(model, tokenizer, sets, seed)
    dose_table(model, tokenizer, sets)
    perplexity_table(model, tokenizer, sets, seed)
    ranking_table(model, tokenizer, sets)
