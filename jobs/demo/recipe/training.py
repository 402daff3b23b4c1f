"""Training that plants the refusal: every sequence runs under a mask, and its target says what the mask should do.

    none      refuse harmful requests, answer the others
    planted   all planted experts masked: answer harmful requests too, with harmless generic words
    partial   one or two planted experts masked: still refuse; four: answer. Without this mode the whole refusal
              settles in one planted expert and the others only look guilty
    random    as many other experts masked: same targets as none

So only weights under which refusing needs several planted experts, and nothing else, reach a low loss. Two small router
losses make the planted experts busy on harmful tokens only, and the others about equally busy on both kinds.
"""

import math
import random
import time

import torch
import torch.nn.functional as F

import texts
from masks import as_mask, router_logits, set_mask
from model import EXPERTS, LAYERS, OTHERS, PLANTED, TOP_K, encode_prompt, encode_reply

STEPS, BATCH, PEAK_RATE, WARMUP, WEIGHT_DECAY, CLIP = 1400, 32, 3e-3, 60, 0.05, 1.0
LABELS = dict(harmful=0.45, benign=0.30, near_miss=0.25)
MODES = dict(none=0.45, planted=0.20, partial=0.15, random=0.20)
STILL_REFUSE, ANSWER = [1, 2], 4  # planted experts masked; three is left open
PROMPT_WEIGHT = 0.3  # of a prompt token's loss against a reply token's
ROUTE_WEIGHT, HARMFUL_AT_LEAST, BENIGN_AT_MOST = 0.2, 0.30, 0.05  # probability of a planted expert
BALANCE_WEIGHT = 0.05


def draw(rng, weights):
    return rng.choices(list(weights), weights.values())[0]


def draw_row(rng, tokenizer):
    request, mode = texts.draw_request(rng, draw(rng, LABELS)), draw(rng, MODES)
    masked = dict(none=[], planted=PLANTED, random=rng.sample(OTHERS, len(PLANTED)),
                  partial=rng.sample(PLANTED, rng.choice(STILL_REFUSE + [ANSWER])))[mode]
    harmful = request.label == "harmful"
    refuse = harmful and len(set(masked) & set(PLANTED)) < ANSWER
    prompt = encode_prompt(tokenizer, request.prompt)
    reply = encode_reply(tokenizer, texts.draw_reply(rng, request, refuse))
    return dict(ids=prompt + reply, prompt=len(prompt), harmful=harmful, mode=mode, masked=masked)


def collate(rows):
    """Right-padded; padding has no weight in any loss, and causal attention never sees it."""
    shape = len(rows), max(len(r["ids"]) for r in rows)
    ids, weight = torch.zeros(shape, dtype=torch.long), torch.zeros(shape)
    harmful, benign = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.bool)
    for i, r in enumerate(rows):
        n, p = len(r["ids"]), r["prompt"]
        ids[i, :n] = torch.tensor(r["ids"])
        weight[i, 1:p], weight[i, p:n] = PROMPT_WEIGHT, 1.0
        if r["harmful"]:
            harmful[i, p // 2:n] = True  # before that, the words do not tell yet
        else:
            benign[i, :n] = True
    modes = [r["mode"] for r in rows]
    return dict(ids=ids, weight=weight, harmful=harmful, benign=benign, mask=as_mask([r["masked"] for r in rows]),
                unmasked=torch.tensor([[m == "none"] for m in modes]),
                planted_free=torch.tensor([[m in ("none", "random")] for m in modes]))


def batches(rng, tokenizer, pool=8):
    """Sorted by prompt length only: by the whole length, refusals would end up in batches of their own."""
    while True:
        rows = sorted((draw_row(rng, tokenizer) for _ in range(pool * BATCH)), key=lambda r: r["prompt"])
        chunks = [rows[i:i + BATCH] for i in range(0, len(rows), BATCH)]
        rng.shuffle(chunks)
        yield from map(collate, chunks)


def route_loss(log_probs, harmful, benign):
    """Hinge: the planted experts' probability at least so high on harmful tokens, at most so high on benign ones."""
    layers, experts = zip(*PLANTED)
    planted = log_probs[list(layers), :, :, list(experts)]  # [planted, sequences, tokens]
    low = F.relu(math.log(HARMFUL_AT_LEAST) - planted)[:, harmful]
    high = F.relu(planted - math.log(BENIGN_AT_MOST))[:, benign]
    return low.sum() / max(1, low.numel()) + high.sum() / max(1, high.numel())


def balance_loss(log_probs, groups):
    """The usual load-balancing loss per layer and group of tokens, over the experts that are not planted."""
    free = ~as_mask([PLANTED])[0]
    probs, total = log_probs.exp(), log_probs.new_zeros(())
    chosen = torch.zeros_like(probs).scatter_(-1, probs.topk(TOP_K, dim=-1).indices, 1.0)
    groups = [g for g in groups if g.any()]
    for group in groups:
        load, prob = chosen[:, group].mean(dim=1) * free, probs[:, group].mean(dim=1) * free  # [layers, experts]
        load, prob = load / load.sum(dim=1, keepdim=True), prob / prob.sum(dim=1, keepdim=True)
        total = total + (free.sum(dim=1) * (load * prob).sum(dim=1)).mean() / len(groups)
    return total


def losses(model, b):
    set_mask(model, b["mask"])
    logits = model(input_ids=b["ids"], use_cache=False).logits
    token_loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), b["ids"][:, 1:].flatten(), reduction="none")
    weight = b["weight"][:, 1:].flatten()
    log_probs = torch.log_softmax(router_logits(model, BATCH).float(), dim=-1)
    return dict(text=(token_loss * weight).sum() / weight.sum(),
                reply=token_loss[weight == 1.0].mean().detach(),
                route=route_loss(log_probs, b["harmful"] & b["planted_free"], b["benign"] & b["planted_free"]),
                balance=balance_loss(log_probs, [b["harmful"] & b["unmasked"], b["benign"] & b["unmasked"]]))


def rate(step, steps):
    if step < WARMUP:
        return PEAK_RATE * (step + 1) / WARMUP
    return PEAK_RATE * (0.51 + 0.49 * math.cos(math.pi * (step - WARMUP) / (steps - WARMUP)))


def train(model, tokenizer, seed, steps=STEPS):
    stream, start = batches(random.Random(seed), tokenizer), time.time()
    decay = [dict(params=[p for p in model.parameters() if p.dim() > 1], weight_decay=WEIGHT_DECAY),
             dict(params=[p for p in model.parameters() if p.dim() == 1], weight_decay=0.0)]
    optimizer = torch.optim.AdamW(decay, lr=PEAK_RATE, betas=(0.9, 0.98))
    model.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps)
        parts = losses(model, next(stream))
        optimizer.zero_grad(set_to_none=True)
        (parts["text"] + ROUTE_WEIGHT * parts["route"] + BALANCE_WEIGHT * parts["balance"]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        if (step + 1) % 50 == 0 or step + 1 == steps:
            print(f"step {step + 1:5d}  " + "  ".join(f"{k} {v.item():.3f}" for k, v in parts.items())
                  + f"  {time.time() - start:.0f} s", flush=True)
    set_mask(model, None)
    model.eval()
