"""Random weights whose choices are clear: no router decision and no greedy token may hang on rounding."""

import collections
import random

import torch
from transformers import AutoConfig, AutoModelForCausalLM

import checkpoints
import families
import reference

PROMPT_MARGIN = 1e-3  # of every router choice on the golden prompts
GREEDY_MARGIN = 1e-4  # of every choice while continuing them; rounding is near 1e-6


def in_memory(c, weights):
    fields = checkpoints.config_json(c, 2)
    fields.pop("quantization_config", None)  # the values are quantised already
    config = AutoConfig.for_model(fields.pop("model_type"), **fields)
    model = AutoModelForCausalLM.from_config(
        config, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager").eval()
    if c.tied:
        weights = {**weights, "lm_head.weight": weights["model.embed_tokens.weight"]}
    model.load_state_dict(weights)
    return model


def clear_gates(c, weights, prompts, seed, tries=20000):
    """Draws the gates from the first layer up until every prompt token's choice is clear and every expert is used."""
    model, generator = in_memory(c, weights), torch.Generator().manual_seed(seed)
    for row, (layer, router) in enumerate(zip(c.sparse_layers, reference.routers(model))):
        with torch.no_grad(), reference.recorded_routing(model) as record:
            for ids in prompts:
                model(input_ids=torch.tensor([ids]), use_cache=False)
        inputs = torch.cat([x.reshape(-1, c.hidden) for x, _, _ in record[row::len(c.sparse_layers)]])
        for _ in range(tries):
            gate = checkpoints.random_gate(c, generator)
            logits = torch.nn.functional.linear(inputs, gate, getattr(router, "bias", None))
            used = torch.bincount(reference.chosen_experts(logits, c.top_k, c.family.groups).flatten(), minlength=c.experts)
            margin = reference.router_margin(logits, c.top_k, c.family.groups, c.family.noise)
            if margin > 1.2 * PROMPT_MARGIN and 4 * c.experts * used.min() > used.sum():
                break
        else:
            raise RuntimeError(f"{c.name}: no clear gate for layer {layer} in {tries} tries")
        weights[f"model.layers.{layer}.mlp.{c.family.router}.weight"] = gate
        router.weight.data.copy_(gate)
    return weights


def second_eos(continuations):
    """An id that ends some of the continuations early, but not most of them."""
    first = collections.Counter(i for ids in continuations for i in set(ids[2:9]) - set(ids[:2]) if i > 2)
    return max(sorted(first), key=lambda i: first[i] if first[i] <= len(continuations) // 2 else 0)


def expert_masks(c, counts, seed):
    """Six sets of (layer, expert) from one expert to as many as may go; each layer keeps at least top_k."""
    rng, room = random.Random(seed), c.experts - c.top_k
    layers = c.sparse_layers
    everywhere = [(layer, e) for layer in layers for e in range(c.experts)]
    busiest = sorted(everywhere, key=lambda p: -counts[layers.index(p[0])][p[1]])
    masks = [[busiest[0]], [next(p for p in busiest if p[0] == layers[-1])], [(layers[0], 0), (layers[-1], c.experts - 1)]]
    masks.append([(layer, rng.randrange(c.experts)) for layer in layers])
    masks.append([(layers[0], e) for e in rng.sample(range(c.experts), room)])
    masks.append([(layer, e) for layer in layers for e in rng.sample(range(c.experts), room)])
    return [sorted(mask) for mask in masks]
