"""What an edit of experts does at the router, as the C++ side must do it, on Hugging Face's own model.

An intervention is {mode, scope, experts}: experts [[layer, expert, value], ...], everything in float32 at the router logits.
"""

import contextlib
import math
import types

import torch

import phimoe
import reference

STEER = 0.01


def edited_scores(logits, mode, edits):
    """What the softmax sees. `edits`: expert -> value, of one layer."""
    scores, experts = logits.clone(), sorted(edits)
    if mode == "mask":
        scores[:, experts] = -math.inf
    elif mode == "bias":
        scores[:, experts] += torch.tensor([edits[e] for e in experts])
    elif mode == "steer":
        scores = torch.log_softmax(logits, dim=-1)
        top, low = scores.max(dim=-1).values + STEER, scores.min(dim=-1).values - STEER  # of all experts, before any edit
        for e in experts:
            scores[:, e] = top if edits[e] > 0 else low
    return scores


def choose(router, scores):
    """Softmax over all experts, top-k (ties to the lower id) in the groups kept, renormalised where the model does so; or the
    top-k first; or sparsemixer."""
    if reference.noise(router) is not None:
        return phimoe.mix(scores, reference.noise(router))
    first = reference.chooses_first(router)
    limited, _ = reference.in_groups(torch.softmax(scores, dim=-1), reference.groups(router), 0.0)
    ordered, ids = (scores if first else limited).sort(dim=-1, descending=True, stable=True)
    weights, ids = ordered[:, :router.top_k], ids[:, :router.top_k]
    if first:
        return torch.softmax(weights, dim=-1), ids
    return weights / weights.sum(dim=-1, keepdim=True) if reference.renormalises(router) else weights, ids


def drop(weights, chosen, edits, mode):
    """Modes zero and zero-renormalise: experts chosen as ever, then taken out; all removed leaves weights 0."""
    weights = weights.masked_fill(torch.isin(chosen, torch.tensor(sorted(edits))), 0.0)
    if mode == "zero-renormalise":
        total = weights.sum(dim=-1, keepdim=True)
        weights = torch.where(total > 0, weights / total, 0.0)
    return weights


def margin(scores, router, logits):
    """Last chosen to first unchosen score, in units of the logits' spread. Scores that the edit made equal are no near-tie."""
    if reference.noise(router) is not None:
        return (phimoe.gaps(scores, reference.noise(router)).min() / logits.std()).item()
    top_k = router.top_k
    limited, between_groups = reference.in_groups(scores, reference.groups(router), -math.inf)
    ordered = limited.sort(dim=-1, descending=True).values
    gap = ordered[:, top_k - 1] - ordered[:, top_k]
    made_equal = (ordered[:, top_k - 1] == ordered[:, top_k]) | (ordered[:, top_k - 1] == -math.inf)
    gap = torch.where(made_equal, math.inf, gap)
    if reference.groups(router):
        gap = torch.minimum(gap, torch.where(between_groups == 0, math.inf, between_groups))
    return (gap.min() / logits.std()).item()


@contextlib.contextmanager
def edited(model, mode, scope, experts, prompt_length):
    """Sequences run in this context (alone, from position 0) are routed as edited. Yields one (margin, weights, chosen) per router call."""
    record = []

    def forward(self, hidden):
        logits = reference.router_logits(self, hidden).float()
        prompt = torch.arange(len(logits)) < prompt_length
        inside = {"prefill": prompt, "decode": ~prompt, "both": prompt | True}[scope][:, None]
        scores = torch.where(inside, edited_scores(logits, mode, self.edits), logits) if self.edits else logits
        weights, chosen = choose(self, scores)
        if self.edits and mode.startswith("zero"):
            weights = torch.where(inside, drop(weights, chosen, self.edits, mode), weights)
        weights = weights * reference.scale(self)
        record.append((margin(scores, self, logits), weights, chosen))
        return logits, weights, chosen

    for layer, router in zip(reference.sparse_layers(model), reference.routers(model)):
        router.edits = {e: value for at, e, value in experts if at == layer}
        router.forward = types.MethodType(forward, router)
    yield record
    for router in reference.routers(model):
        del router.forward, router.edits


@torch.no_grad()
def greedy(model, intervention, ids, length, eos, enough):
    """As reference.greedy, edited; stops (with too few tokens) at a choice less clear than `enough`."""
    ids, new, least = list(ids), [], math.inf
    with edited(model, intervention["mode"], intervention["scope"], intervention["experts"], len(ids)) as record:
        while len(new) < length and not (new and new[-1] in eos) and least > enough:
            logits = model(input_ids=torch.tensor([ids + new]), use_cache=False).logits[0, -1].float()
            best = logits.topk(2)
            least = min([least, ((best.values[0] - best.values[1]) / logits.std()).item()] + [m for m, _, _ in record])
            new.append(best.indices[0].item())
            record.clear()
    return new, least


@torch.no_grad()
def teacher_forced(model, intervention, ids):
    """Sums over the targets ids[1:]: -log p with and without the edit, and KL(without || with), in nats; and the margin."""
    def log_p():
        return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, :-1].float().double().log_softmax(dim=-1)

    def nll(log_probabilities):
        return -log_probabilities.gather(1, torch.tensor(ids[1:])[:, None]).sum().item()

    plain = log_p()
    with edited(model, intervention["mode"], "both", intervention["experts"], len(ids)) as record:
        changed = log_p()
    kl = (plain.exp() * (plain - changed)).sum().item()
    return dict(nll_sum=nll(changed), kl_sum=kl, baseline_nll_sum=nll(plain),
                num_targets=len(ids) - 1), min(m for m, _, _ in record)


@torch.no_grad()
def routed(model, intervention, ids):
    """Slots of the prompt's tokens with a weight above 0, [L][E]; and the margin."""
    with edited(model, intervention["mode"], "both", intervention["experts"], len(ids)) as record:
        model(input_ids=torch.tensor([ids]), use_cache=False)
    num_experts = reference.routers(model)[0].weight.shape[0]
    counts = [torch.bincount(chosen[weights > 0], minlength=num_experts).tolist() for _, weights, chosen in record]
    return counts, min(m for m, _, _ in record)
