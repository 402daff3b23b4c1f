"""What Hugging Face transformers computes for one model: losses, routing, gate gradients, greedy continuations."""

import contextlib
import math
import types

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM


def load(folder, dtype):
    """Read back from disk in `dtype`. A cast in memory would also round the rotary frequencies, which no reader does."""
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager", experts_implementation="eager", output_loading_info=True)
    assert not any(info.values()), info
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.endswith("mlp.gate.weight"))
    return model.eval()


def routers(model):
    """Of the layers that have one, in order: what every [P,L,E] goes by."""
    return [layer.mlp.gate for layer in model.model.layers if hasattr(layer.mlp, "gate")]


def sparse_layers(model):
    return [i for i, layer in enumerate(model.model.layers) if hasattr(layer.mlp, "gate")]


def renormalises(router):
    return getattr(router, "norm_topk_prob", True)  # Mixtral's has no such switch


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
        logits = F.linear(hidden.reshape(-1, self.hidden_dim), self.weight)
        logits[:, [e for layer, e in experts if layer == self.masked_layer]] = -math.inf
        top, chosen = torch.topk(torch.softmax(logits.float(), dim=-1), self.top_k, dim=-1)
        return logits, top / top.sum(dim=-1, keepdim=True) if renormalises(self) else top, chosen

    for layer, router in zip(sparse_layers(model), routers(model)):
        router.masked_layer = layer
        router.forward = types.MethodType(forward, router)
    yield
    for router in routers(model):
        del router.forward


def router_margin(logits, top_k):
    """Smallest distance between the last chosen and the first unchosen logit, in units of the logits' spread."""
    ordered = logits.float().sort(dim=-1, descending=True).values
    finite = logits[logits > -math.inf].float()
    return ((ordered[..., top_k - 1] - ordered[..., top_k]).min() / finite.std()).item()


def chosen_experts(logits, top_k):
    """Top-k of the float32 softmax, ties to the lower id (torch.topk leaves the order of ties open)."""
    return torch.softmax(logits.float(), dim=-1).sort(dim=-1, descending=True, stable=True).indices[:, :top_k]


def measure(model, ids):
    """One prompt: loss, counts [L,E], gradient scores [L,E], router margin."""
    top_k, gates = model.config.num_experts_per_tok, [r.weight for r in routers(model)]
    tokens = torch.tensor([ids])
    with recorded_routing(model) as record:
        loss = model(input_ids=tokens, labels=tokens, use_cache=False).loss
    chosen = [chosen_experts(logits, top_k) for _, logits, _ in record]
    counts = torch.stack([torch.bincount(c.flatten(), minlength=gates[0].shape[0]) for c in chosen])
    if loss.dtype == torch.float32 and gates[0].dtype == torch.float32:
        assert all(torch.equal(c.sort().values, used.sort().values) for c, (_, _, used) in zip(chosen, record))
    gradients = torch.autograd.grad(loss, gates)
    scores = torch.stack([g.double().abs().mean(dim=1) for g in gradients])
    margin = min(router_margin(logits, top_k) for _, logits, _ in record)
    return dict(loss=loss.item(), counts=counts, gradients=scores, margin=margin)


@torch.no_grad()
def greedy(model, ids, length, eos=()):
    """Continuation of at most `length` tokens, cut after an eos; and the smallest margin of any choice on the way.

    Every step runs the whole sequence again, so that no cache is part of the reference.
    """
    ids, margin, new = list(ids), math.inf, []
    while len(new) < length and not (new and new[-1] in eos):
        with recorded_routing(model) as record:
            logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].float()
        margin = min([margin] + [router_margin(z, model.config.num_experts_per_tok) for _, z, _ in record])
        best = logits.topk(2)
        margin = min(margin, ((best.values[0] - best.values[1]) / logits.std()).item())
        new.append(best.indices[0].item())
        ids.append(new[-1])
    return new, margin
