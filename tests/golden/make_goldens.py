#!/usr/bin/env python3
"""Makes the golden checkpoints and what Hugging Face transformers computes on them. See README.md."""

import json
import pathlib
import shutil
import sys

import jinja2.sandbox
import numpy as np
import sentencepiece
import torch
import transformers

import checkpoints
import make_prompts
import reference
import search
import templates
import vocabularies

HERE = pathlib.Path(__file__).parent
NEW_TOKENS = 12
MASKED_PROMPTS = [0, 3, 6, 16]  # rows of prompts.jsonl


def token_ids(row, processor):
    if "token_ids" in row:
        return row["token_ids"]
    messages = row.get("messages") or [dict(role="user", content=row["prompt"])]
    return vocabularies.encode_messages(processor, messages)


def check_template(c, rows, processor):
    """The checkpoint's own template, rendered by the engine that transformers uses, must agree with the id rule."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(templates.GENERATIONS[c.template])
    for row in rows:
        if "prompt" not in row:
            continue
        text = template.render(messages=[dict(role="user", content=row["prompt"])], bos_token="<s>", eos_token="</s>")
        start = "<s> " if c.template == "second" else "<s>"
        assert text.startswith(start + "[INST]")
        assert token_ids(row, processor) == [1] + processor.encode(text[len(start):])


def continuations(model, prompts, masks, eos):
    """Greedy tokens of every prompt, and of some under every mask; the smallest margin met."""
    plain = [reference.greedy(model, ids, NEW_TOKENS, eos) for ids in prompts]
    masked = []
    for mask in masks:
        with reference.masked_experts(model, mask):
            masked.append([reference.greedy(model, prompts[i], NEW_TOKENS, eos) for i in MASKED_PROMPTS])
    margin = min(m for _, m in plain + [x for some in masked for x in some])
    return [ids for ids, _ in plain], [[ids for ids, _ in some] for some in masked], margin


def write_json(path, head, tables):
    """One line per row of a table: small, and a change of one prompt is a change of one line."""
    lines = [f'"{key}": {json.dumps(value)}' for key, value in head.items()]
    for key, rows in tables.items():
        lines.append(f'"{key}": [\n' + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def make(c, number, rows, vocabulary):
    folder = HERE / c.name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "model").mkdir(parents=True)
    processor = sentencepiece.SentencePieceProcessor(model_proto=vocabulary)
    check_template(c, rows, processor)
    prompts = [token_ids(row, processor) for row in rows]
    assert max(map(max, prompts)) < c.vocab

    for attempt in range(20):  # until the greedy choices are clear too
        seed = 1000 * (number + 1) + attempt
        weights = search.clear_gates(c, checkpoints.random_weights(c, seed), prompts, seed)
        model = search.in_memory(c, weights)
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        for router in reference.routers(model):
            router.weight.requires_grad_(True)
        masks = search.expert_masks(c, sum(reference.measure(model, ids)["counts"] for ids in prompts).tolist(), seed)
        plain, _, margin = continuations(model, prompts, masks, ())
        if margin > search.GREEDY_MARGIN:
            break
    else:
        raise RuntimeError(f"{c.name}: no seed gives clear choices")

    eos = [2, search.second_eos(plain)] if c.eos_list else 2
    checkpoints.write_weights(c, folder / "model", weights)
    checkpoints.write_configs(c, folder / "model", eos)
    templates.write(folder / "model", c.template, c.template_place)
    (folder / "model/tokenizer.model").write_bytes(vocabulary)

    model = reference.load(folder / "model", torch.float32)
    for name, tensor in weights.items():
        assert torch.equal(model.state_dict()[name], tensor), name
    rows32 = [reference.measure(model, ids) for ids in prompts]
    plain, masked, margin = continuations(model, prompts, masks, eos if c.eos_list else [eos])
    assert min(r["margin"] for r in rows32) > search.PROMPT_MARGIN and margin > search.GREEDY_MARGIN
    rows16 = [reference.measure(reference_bf16, ids)
              for reference_bf16 in [reference.load(folder / "model", torch.bfloat16)] for ids in prompts]

    for suffix, measured in [("", rows32), ("_bf16", rows16)]:
        np.save(folder / f"counts{suffix}.npy", torch.stack([r["counts"] for r in measured]).numpy())
        np.save(folder / f"gradient_scores{suffix}.npy", torch.stack([r["gradients"] for r in measured]).numpy())
    with_system = None
    if c.template == "second":
        with_system = vocabularies.encode_messages(processor, make_prompts.WITH_SYSTEM)
    write_json(
        folder / "golden.json",
        dict(checkpoint=c.name, torch=torch.__version__.split("+")[0], transformers=transformers.__version__,
             sentencepiece=sentencepiece.__version__, seed=seed, min_greedy_margin=margin,
             with_system=dict(messages=make_prompts.WITH_SYSTEM, token_ids=with_system)),
        dict(prompts=[dict(id=row["id"], token_ids=ids, loss=r32["loss"], loss_bf16=r16["loss"],
                           min_router_margin=r32["margin"], greedy_ids=new)
                      for row, ids, r32, r16, new in zip(rows, prompts, rows32, rows16, plain)],
             masked_greedy=[dict(experts=mask, prompts=MASKED_PROMPTS, greedy_ids=some)
                            for mask, some in zip(masks, masked)]))
    share = sum(r["counts"] for r in rows32).double()
    moved = sum((a["counts"] - b["counts"]).abs().sum().item() for a, b in zip(rows32, rows16)) / 2 / share.sum().item()
    print(f"{c.name}: {sum(map(len, prompts))} tokens, seed {seed}, router margin {min(r['margin'] for r in rows32):.1e}, "
          f"greedy margin {margin:.1e}, eos {eos}, bf16 moves {100 * moved:.2f} % of the choices")
    for layer in (share / share.sum(dim=1, keepdim=True)).tolist():
        print("   share per expert " + " ".join(f"{x:.3f}" for x in layer))


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    rows, known = make_prompts.write(), vocabularies.all_vocabularies()
    wanted = sys.argv[1:] or [c.name for c in checkpoints.CHECKPOINTS]
    for number, c in enumerate(checkpoints.CHECKPOINTS):
        if c.name in wanted:
            make(c, number if c.number is None else c.number, rows, known[c.vocab])


if __name__ == "__main__":
    main()
