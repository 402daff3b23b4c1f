"""Routers that can be told to leave experts out, and that keep their logits.

Masked means: the expert's logit is -inf before the softmax and the top-k, so the next best expert takes its place.
"""

import math

import torch
import torch.nn.functional as F
from transformers.models.mixtral.modeling_mixtral import MixtralTopKRouter

from model import EXPERTS, LAYERS


def forward(self, hidden):
    """MixtralTopKRouter.forward with self.mask ([sequences or 1, experts], bool) applied."""
    logits = F.linear(hidden.reshape(-1, self.hidden_dim), self.weight)
    if self.mask is not None:
        tokens = logits.shape[0] // self.mask.shape[0]
        logits = logits.masked_fill(self.mask.repeat_interleave(tokens, dim=0), -math.inf)
    self.logits = logits
    top, chosen = torch.topk(torch.softmax(logits.float(), dim=-1), self.top_k, dim=-1)
    return logits, top / top.sum(dim=-1, keepdim=True), chosen


MixtralTopKRouter.forward, MixtralTopKRouter.mask = forward, None


def routers(model):
    return [layer.mlp.gate for layer in model.model.layers]


def as_mask(sets):
    """One set of (layer, expert) per sequence -> [sequences, layers, experts]."""
    mask = torch.zeros(len(sets), LAYERS, EXPERTS, dtype=torch.bool)
    for i, experts in enumerate(sets):
        for layer, e in experts:
            mask[i, layer, e] = True
    return mask


def set_mask(model, mask):
    for layer, router in enumerate(routers(model)):
        router.mask = None if mask is None else mask[:, layer]


def router_logits(model, sequences):
    """[layers, sequences, tokens, experts] of the last pass."""
    return torch.stack([r.logits.view(sequences, -1, EXPERTS) for r in routers(model)])
