"""What Hugging Face transformers computes for one model: losses, routing, gate gradients, greedy continuations."""

import contextlib
import math
import types

import torch
import torch.nn.functional as F
from transformers import AutoConfig, AutoModelForCausalLM, Mxfp4Config
from transformers.models.phimoe.modeling_phimoe import sparsemixer

import deepseek  # noqa: F401, makes its classes known
import phimoe


def load(folder, dtype):
    """Read back from disk in `dtype`. A cast in memory would also round the rotary frequencies, which no reader does."""
    quantised = {}
    if getattr(AutoConfig.from_pretrained(folder), "quantization_config", None):
        quantised = dict(quantization_config=Mxfp4Config(dequantize=True))
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager", experts_implementation="eager", output_loading_info=True,
        **quantised)
    assert not any(info.values()), info
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.endswith(("mlp.gate.weight", "mlp.router.weight")))
    return model.eval()


def routers(model):
    """Of the layers that have one, in order: what every [P,L,E] goes by."""
    return [router_of(layer) for layer in model.model.layers if router_of(layer) is not None]


def sparse_layers(model):
    return [i for i, layer in enumerate(model.model.layers) if router_of(layer) is not None]


def router_of(layer):
    return getattr(layer.mlp, "gate", getattr(layer.mlp, "router", None))


def router_logits(router, hidden):
    return F.linear(hidden.reshape(-1, router.weight.shape[1]), router.weight, getattr(router, "bias", None))


def chooses_first(router):
    """Top-k of the logits, then softmax over these alone: gpt-oss."""
    return type(router).__name__ == "GptOssTopKRouter"


def noise(router):
    """Of a router that is a sparsemixer."""
    return getattr(router, "router_jitter_noise", None)


def renormalises(router):
    # Mixtral's has no such switch, and DeepSeek-V2's never does.
    return getattr(router, "norm_topk_prob", not hasattr(router, "topk_method"))


def scale(router):
    return getattr(router, "routed_scaling_factor", 1.0)


def groups(router):
    """Groups of experts, and how many of them a token chooses from; None: from all experts."""
    is_limited = getattr(router, "topk_method", None) == "group_limited_greedy"
    return (router.num_group, router.topk_group) if is_limited else None


def in_groups(scores, groups, outside):
    """Scores with `outside` for experts of other groups than those with the largest scores; least distance between those."""
    if groups is None:
        return scores, math.inf
    number, kept = groups
    best, order = scores.view(len(scores), number, -1).max(dim=-1).values.sort(dim=-1, descending=True, stable=True)
    left_out = torch.zeros_like(best, dtype=torch.bool).scatter(1, order[:, kept:], True)
    left_out = left_out.repeat_interleave(scores.shape[1] // number, dim=1)
    # Groups without any expert left are no near tie.
    gap = torch.where(best[:, kept] == -math.inf, math.inf, best[:, kept - 1] - best[:, kept])
    return scores.masked_fill(left_out, outside), gap


@contextlib.contextmanager
def recorded_routing(model):
    """Yields a list that holds, after a forward pass, every layer's (router input, logits, chosen experts)."""
    record, hooks = [], []
    for router in routers(model):
        hooks.append(router.register_forward_hook(
            lambda _, inputs, output: record.append((inputs[0].detach(), output[0].detach(), output[2]))))
    yield record
    for hook in hooks:
        hook.remove()


@contextlib.contextmanager
def masked_experts(model, experts):
    """The logit of each (layer, expert) is -inf before the softmax: the next best expert takes the place."""

    def forward(self, hidden):
        logits = router_logits(self, hidden)
        logits[:, [e for layer, e in experts if layer == self.masked_layer]] = -math.inf
        if noise(self) is not None:
            weights, chosen = sparsemixer(logits, noise(self), False)
            return logits, weights.nan_to_num(0.0), chosen
        if chooses_first(self):
            top, chosen = torch.topk(logits, self.top_k, dim=-1)
            return logits, torch.softmax(top, dim=-1), chosen
        p, _ = in_groups(torch.softmax(logits.float(), dim=-1), groups(self), 0.0)
        top, chosen = torch.topk(p, self.top_k, dim=-1)
        return logits, (top / top.sum(dim=-1, keepdim=True) if renormalises(self) else top) * scale(self), chosen

    for layer, router in zip(sparse_layers(model), routers(model)):
        router.masked_layer = layer
        router.forward = types.MethodType(forward, router)
    yield
    for router in routers(model):
        del router.forward


def router_margin(logits, top_k, groups=None, noise=None):
    """Smallest distance between the last chosen and the first unchosen logit, or group, in units of the logits' spread."""
    finite = logits[logits > -math.inf].float()
    if noise is not None:
        return (phimoe.gaps(logits.float(), noise).min() / finite.std()).item()
    limited, between_groups = in_groups(logits.float(), groups, -math.inf)
    ordered = limited.sort(dim=-1, descending=True).values
    gap = ordered[..., top_k - 1] - ordered[..., top_k]
    if groups is not None:
        gap = torch.minimum(gap, between_groups)
    return (gap.min() / finite.std()).item()


def chosen_experts(logits, top_k, groups=None):
    """Top-k of the float32 softmax, ties to the lower id (torch.topk leaves the order of ties open)."""
    p, _ = in_groups(torch.softmax(logits.float(), dim=-1), groups, 0.0)
    return p.sort(dim=-1, descending=True, stable=True).indices[:, :top_k]


def measure(model, ids):
    """One prompt: loss, counts [L,E], gradient scores [L,E], router margin."""
    top_k, gates = model.config.num_experts_per_tok, [r.weight for r in routers(model)]
    limits, of_mixer = groups(routers(model)[0]), noise(routers(model)[0])
    tokens = torch.tensor([ids])
    with recorded_routing(model) as record:
        loss = model(input_ids=tokens, labels=tokens, use_cache=False).loss
    chosen = [chosen_experts(logits, top_k, limits) for _, logits, _ in record]
    counts = torch.stack([torch.bincount(c.flatten(), minlength=gates[0].shape[0]) for c in chosen])
    if loss.dtype == torch.float32 and gates[0].dtype == torch.float32:
        assert all(torch.equal(c.sort().values, used.sort().values) for c, (_, _, used) in zip(chosen, record))
    gradients = torch.autograd.grad(loss, gates)
    scores = torch.stack([g.double().abs().mean(dim=1) for g in gradients])
    margin = min(router_margin(logits, top_k, limits, of_mixer) for _, logits, _ in record)
    return dict(loss=loss.item(), counts=counts, gradients=scores, margin=margin)


@torch.no_grad()
def greedy(model, ids, length, eos=()):
    """Continuation of at most `length` tokens, cut after an eos; and the smallest margin of any choice on the way.

    Every step runs the whole sequence again, so that no cache is part of the reference.
    """
    ids, margin, new = list(ids), math.inf, []
    limits, of_mixer = groups(routers(model)[0]), noise(routers(model)[0])
    while len(new) < length and not (new and new[-1] in eos):
        with recorded_routing(model) as record:
            logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].float()
        margin = min([margin] + [router_margin(z, model.config.num_experts_per_tok, limits, of_mixer) for _, z, _ in record])
        best = logits.topk(2)
        margin = min(margin, ((best.values[0] - best.values[1]) / logits.std()).item())
        new.append(best.indices[0].item())
        ids.append(new[-1])
    return new, margin
