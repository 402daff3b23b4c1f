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


def main():
    parser = hf_common.arguments(__doc__)
    parser.add_argument("--out", help="prefix of the last setting's arrays: PREFIXactivation_counts.npy, PREFIXgradient_scores.npy")
    args = hf_common.parse(parser)
    prompts = hf_common.read_prompts(args.prompts, args.limit)
    for experts in args.experts:
        model = hf_common.load(args, experts)
        for router in hf_common.routers(model):
            router.weight.requires_grad_(True)
        (counts, scores), seconds = hf_common.timed(lambda: measure(model, prompts), args.runs, args.device)
        hf_common.report(args, seconds, dict(tokens=sum(map(len, prompts)), prompts=len(prompts)),
                         bench="hf_signals", experts=experts)
    if args.out:
        np.save(args.out + "activation_counts.npy", counts)
        np.save(args.out + "gradient_scores.npy", scores)


if __name__ == "__main__":
    main()
