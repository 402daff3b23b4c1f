#!/usr/bin/env python3
"""Makes <checkpoint>/interventions.json beside the goldens: greedy tokens under edits of experts. See README.md."""

import json
import pathlib
import random
import sys

import torch
import transformers

import checkpoints
import interventions
import reference
from make_goldens import NEW_TOKENS, write_json
from search import GREEDY_MARGIN

HERE = pathlib.Path(__file__).parent
PROMPTS_EACH = 4
CHANGED_EACH = 3  # of them must continue otherwise than unedited
MODES = ["mask", "zero", "zero-renormalise", "steer", "bias"]


def candidates(c, busiest, rng):
    """(name, mode, scope, experts): every mode and scope, mixed doses, and the edges. `busiest[layer]`: experts by traffic."""
    layers, first, last = c.sparse_layers, c.sparse_layers[0], c.sparse_layers[-1]

    def each(value=1, rank=0):
        return [(layer, busiest[layer][rank], value) for layer in layers]

    def some(layer, number):
        return rng.sample(range(c.experts), number)

    top = each()
    mixed = sorted((layer, e, rng.choice([-3.5, -1.25, 0.75, 2.5])) for layer in layers for e in some(layer, 2))
    up_down = [(layer, e, v) for layer in layers for e, v in zip(some(layer, 2), [1, -1])]
    yield "mask-prefill", "mask", "prefill", top
    yield "mask-decode", "mask", "decode", top
    yield "mask-top-k-left", "mask", "both", [(layer, e, 1) for layer in layers for e in some(layer, c.experts - c.top_k)]
    if c.top_k > 1:
        yield "mask-too-few-left", "mask", "both", [(last, e, 1) for e in some(last, c.experts - c.top_k + 1)]
    yield "zero-both", "zero", "both", top
    yield "zero-decode", "zero", "decode", [(layer, e, 1) for layer in layers for e in busiest[layer][:2]]
    yield "zero-all-of-a-layer", "zero", "prefill", [(first, e, 1) for e in range(c.experts)]
    yield "zero-renormalise-both", "zero-renormalise", "both", top
    yield "zero-renormalise-prefill", "zero-renormalise", "prefill", [(first, e, 1) for e in busiest[first][:c.top_k]]
    yield "zero-renormalise-decode", "zero-renormalise", "decode", [(layer, e, 1) for layer in layers for e in some(layer, 2)]
    yield "steer-mixed", "steer", "both", up_down
    yield "steer-off-prefill", "steer", "prefill", each(-1)
    yield "steer-on-decode", "steer", "decode", each(1, -1)
    yield "steer-on-tied", "steer", "both", [(last, e, 1) for e in some(last, c.top_k + 1)]
    yield "steer-off-too-few-left", "steer", "both", [(first, e, -1) for e in some(first, c.experts - c.top_k + 1)]
    yield "bias-one-dose", "bias", "both", each(-2.0)
    yield "bias-mixed-prefill", "bias", "prefill", mixed
    yield "bias-mixed-decode", "bias", "decode", [(layer, e, 2 * v) for layer, e, v in mixed]


def continued(model, edit, golden, eos, start):
    """The first clear prompts from row `start` on: rows, tokens, smallest margin, near-tied rows passed over, changed rows."""
    rows, tokens, least, passed = [], [], float("inf"), 0
    order = [(start + i) % len(golden["prompts"]) for i in range(len(golden["prompts"]))]
    for row in order:
        new, margin = interventions.greedy(model, edit, golden["prompts"][row]["token_ids"], NEW_TOKENS, eos, GREEDY_MARGIN)
        if margin <= GREEDY_MARGIN:
            passed += 1
            continue
        rows, tokens, least = rows + [row], tokens + [new], min(least, margin)
        if len(rows) == PROMPTS_EACH:
            break
    changed = sum(new != golden["prompts"][row]["greedy_ids"] for row, new in zip(rows, tokens))
    return rows, tokens, least, passed, changed


def search(c, number, model, golden, eos, busiest):
    """Draws again until the edit changes most of its prompts."""
    name = list(candidates(c, busiest, random.Random(0)))[number][0]
    for attempt in range(30):
        rng = random.Random(f"{c.name} {number} {attempt}")
        _, mode, scope, experts = list(candidates(c, busiest, rng))[number]
        edit = dict(name=name, mode=mode, scope=scope, experts=sorted(experts))
        rows, tokens, margin, passed, changed = continued(model, edit, golden, eos, (5 * number + attempt) % 18)
        if len(rows) == PROMPTS_EACH and changed >= CHANGED_EACH:
            return dict(edit, prompts=rows, greedy_ids=tokens), margin, passed, changed
    raise RuntimeError(f"{c.name} {name}: no edit with clear choices changes most prompts")


def figures(model, edits, golden):
    """Teacher-forced sums of one edit of each mode on two of its prompts, continued as unedited."""
    out, least = [], float("inf")
    for mode in MODES:
        edit = next(e for e in edits if e["mode"] == mode and e["scope"] == "both")
        for row in edit["prompts"][:2]:
            prompt = golden["prompts"][row]
            sums, margin = interventions.teacher_forced(model, edit, prompt["token_ids"] + prompt["greedy_ids"])
            out.append(dict(name=edit["name"], prompt=row, **sums))
            least = min(least, margin)
    return out, least


def routing(model, edits, golden):
    out, least = [], float("inf")
    for name in ["mask-top-k-left", "mask-too-few-left", "zero-both"]:
        for edit in [e for e in edits if e["name"] == name]:
            row = edit["prompts"][0]
            counts, margin = interventions.routed(model, edit, golden["prompts"][row]["token_ids"])
            out.append(dict(name=name, prompt=row, counts=counts))
            least = min(least, margin)
    return out, least


def check_against_masks(model, golden, eos):
    """The masks of golden.json come from other code: both must agree."""
    for mask in golden["masked_greedy"]:
        edit = dict(mode="mask", scope="both", experts=[[layer, e, 1] for layer, e in mask["experts"]])
        for row, expected in zip(mask["prompts"], mask["greedy_ids"]):
            new, _ = interventions.greedy(model, edit, golden["prompts"][row]["token_ids"], NEW_TOKENS, eos, 0)
            assert new == expected, (mask, row)


def make(c):
    folder = HERE / c.name
    golden = json.loads((folder / "golden.json").read_text())
    eos = json.loads((folder / "model/config.json").read_text())["eos_token_id"]
    eos = eos if isinstance(eos, list) else [eos]
    model = reference.load(folder / "model", torch.float32)
    check_against_masks(model, golden, eos)

    counts = sum(reference.measure(model, p["token_ids"])["counts"] for p in golden["prompts"])
    busiest = dict(zip(c.sparse_layers, counts.argsort(dim=1, descending=True, stable=True).tolist()))
    names = [name for name, _, _, _ in candidates(c, busiest, random.Random(0))]
    found = [search(c, i, model, golden, eos, busiest) for i in range(len(names))]
    edits = [edit for edit, _, _, _ in found]
    forced, forced_margin = figures(model, edits, golden)
    routes, routing_margin = routing(model, edits, golden)
    least = min([margin for _, margin, _, _ in found] + [forced_margin, routing_margin])
    assert least > GREEDY_MARGIN, (c.name, least)
    write_json(folder / "interventions.json", dict(checkpoint=c.name, min_margin=least),
               dict(interventions=edits, teacher_forced=forced, routing=routes))
    total = PROMPTS_EACH * len(edits)
    print(f"{c.name}: {len(edits)} interventions, {sum(n for _, _, _, n in found)} of {total} continuations change, "
          f"{sum(n for _, _, n, _ in found)} near-tied prompts passed over, least margin {least:.1e} (teacher-forced "
          f"{forced_margin:.1e}, routing {routing_margin:.1e})", flush=True)


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    wanted = sys.argv[1:] or [c.name for c in checkpoints.CHECKPOINTS]
    for c in checkpoints.CHECKPOINTS:
        if c.name in wanted:
            make(c)


if __name__ == "__main__":
    main()
