#!/usr/bin/env python3
"""Times a suppression sweep as it is run today: Hugging Face generate for every variant, the router patched, greedy.

Prints a line of JSON for each batch size and experts implementation. tokens: generated, an eos that ends one included,
padding not. The variants file is a JSON list; each variant is a list of [layer, expert], [] is the model as it is.
"""

import json

import torch

import hf_common


def batches(prompts, size):
    """Rows in batches; above size 1 of like length, so that little is padded."""
    rows = list(range(len(prompts)))
    if size > 1:
        rows.sort(key=lambda i: len(prompts[i]))
    return [rows[i:i + size] for i in range(0, len(rows), size)]


def padded_left(prompts, pad, device):
    width = max(map(len, prompts))
    ids = torch.tensor([[pad] * (width - len(p)) + p for p in prompts], device=device)
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=device)
    return ids, mask


def until_eos(ids, eos):
    end = next((i + 1 for i, token in enumerate(ids) if token in eos), len(ids))
    return ids[:end]


def eos_ids(model):
    eos = model.generation_config.eos_token_id
    return eos if isinstance(eos, list) else [eos]


@torch.no_grad()
def sweep(model, prompts, variants, batch, max_new_tokens):
    """The continuations, [variant][prompt]."""
    eos, out = eos_ids(model), []
    for experts in variants:
        new = [None] * len(prompts)
        with hf_common.suppressed(model, experts):
            for rows in batches(prompts, batch):
                ids, mask = padded_left([prompts[i] for i in rows], eos[0], model.device)
                result = model.generate(input_ids=ids, attention_mask=mask, do_sample=False, max_new_tokens=max_new_tokens,
                                        pad_token_id=eos[0])
                for i, continued in zip(rows, result[:, ids.shape[1]:].tolist()):
                    new[i] = until_eos(continued, eos)
        out.append(new)
    return out


def main():
    parser = hf_common.arguments(__doc__)
    parser.add_argument("variants", help="JSON: [[[layer, expert], ...], ...]")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--max-new-tokens", type=int, default=32)
    parser.add_argument("--out", help="JSONL of the last setting's tokens, for a comparison: variant, prompt, token_ids")
    args = hf_common.parse(parser)
    prompts = hf_common.read_prompts(args.prompts, args.limit)
    with open(args.variants) as file:
        variants = json.load(file)

    for experts in args.experts:
        model = hf_common.load(args, experts)
        for batch in args.batch:
            result, seconds = hf_common.timed(
                lambda: sweep(model, prompts, variants, batch, args.max_new_tokens), args.runs, args.device)
            tokens = sum(len(ids) for new in result for ids in new)
            hf_common.report(args, seconds, dict(tokens=tokens, sequences=len(prompts) * len(variants)),
                             bench="hf_generate", experts=experts, batch=batch, max_new_tokens=args.max_new_tokens)
    if args.out:
        with open(args.out, "w") as file:
            for v, new in enumerate(result):
                for p, ids in enumerate(new):
                    file.write(json.dumps(dict(variant=v, prompt=p, token_ids=ids)) + "\n")


if __name__ == "__main__":
    main()
