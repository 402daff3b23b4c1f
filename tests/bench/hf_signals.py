#!/usr/bin/env python3
"""Times routing signals as they are measured today: one Hugging Face forward and backward pass for every prompt.

Per prompt the activation counts, and the mean over the hidden size of the absolute gate gradients. Prints a line of JSON for
each experts implementation.
"""

import numpy as np
import torch

import hf_common


def measure(model, prompts):
    """counts int64 [P,L,E], gradient scores float64 [P,L,E]"""
    routers = hf_common.routers(model)
    gates, counts, scores = [r.weight for r in routers], [], []
    chosen = []
    hooks = [r.register_forward_hook(lambda _, inputs, output: chosen.append(output[2])) for r in routers]
    for ids in prompts:
        chosen.clear()
        tokens = torch.tensor([ids], device=model.device)
        loss = model(input_ids=tokens, labels=tokens, use_cache=False).loss
        gradients = torch.autograd.grad(loss, gates)
        counts.append(torch.stack([torch.bincount(c.flatten(), minlength=len(gates[0])) for c in chosen]).cpu())
        scores.append(torch.stack([g.double().abs().mean(dim=1) for g in gradients]).cpu())
    for hook in hooks:
        hook.remove()
    return torch.stack(counts).numpy(), torch.stack(scores).numpy()


def summed(model, prompts, batch):
    """The work of one pass for each padded batch: the gradient of the sum of its prompts' losses, which nobody asked for."""
    gates = [r.weight for r in hf_common.routers(model)]
    for first in range(0, len(prompts), batch):
        rows = prompts[first:first + batch]
        width = max(map(len, rows))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows], device=model.device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=model.device)
        loss = model(input_ids=ids, attention_mask=mask, labels=ids.masked_fill(mask == 0, -100), use_cache=False).loss
        torch.autograd.grad(loss, gates)


def main():
    parser = hf_common.arguments(__doc__)
    parser.add_argument("--batch", type=int, default=1, help="above 1: passes over padded batches, for their time alone")
    parser.add_argument("--out", help="prefix of the last setting's arrays: PREFIXactivation_counts.npy, PREFIXgradient_scores.npy")
    args = hf_common.parse(parser)
    prompts = hf_common.read_prompts(args.prompts, args.limit)
    for experts in args.experts:
        model = hf_common.load(args, experts)
        for router in hf_common.routers(model):
            router.weight.requires_grad_(True)
        work = (lambda: measure(model, prompts)) if args.batch == 1 else (lambda: summed(model, prompts, args.batch))
        result, seconds = hf_common.timed(work, args.runs, args.device)
        hf_common.report(args, seconds, dict(tokens=sum(map(len, prompts)), prompts=len(prompts)),
                         bench="hf_signals", experts=experts, batch=args.batch)
    if args.out and args.batch == 1:
        counts, scores = result
        np.save(args.out + "activation_counts.npy", counts)
        np.save(args.out + "gradient_scores.npy", scores)


if __name__ == "__main__":
    main()
