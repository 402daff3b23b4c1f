#!/usr/bin/env python3
"""Token ids, losses and greedy tokens of gatesweep beside those of Hugging Face transformers, on XSTest's prompts.

compare.py DENSE UPCYCLED [--prompts N] [--tokens N]; GATESWEEP and TEXT_NUMBERS name the programs. Float32, eager attention.
"""

import argparse
import csv
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers

HERE = pathlib.Path(__file__).resolve().parent
PROMPTS = HERE.parents[1] / "prompts/xstest/xstest_prompts.csv"
LOSS_LIMIT = 1e-5
JOB = """[model]
path = "{model}"
[[prompts]]
group = "benign"
file = "prompts.csv"
where = {{ label = "safe" }}
[[prompts]]
group = "harmful"
file = "prompts.csv"
where = {{ label = "unsafe" }}
"""


def some_prompts(count):
    """Half of them safe, spread over the file."""
    rows = list(csv.DictReader(PROMPTS.open()))
    chosen = []
    for label in ("safe", "unsafe"):
        of_label = [row for row in rows if row["label"] == label]
        chosen += of_label[:: len(of_label) // (count // 2)][: count // 2]
    return chosen


def gatesweep_ids(model, rows):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "job.toml").write_text(JOB.format(model=model.resolve()))
        with (folder / "prompts.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        out = subprocess.run([os.environ["GATESWEEP"], "-q", "tokens", "job.toml"], cwd=folder, stdout=subprocess.PIPE,
                             text=True, check=True).stdout
    return {line["prompt_id"]: line["token_ids"] for line in map(json.loads, out.splitlines())}


def numbers_of(folder, texts, new_tokens):
    """What gatesweep computes of the texts."""
    lines = "".join(json.dumps(ids) + "\n" for ids in texts)
    out = subprocess.run([os.environ["TEXT_NUMBERS"], str(folder), str(new_tokens)], input=lines, stdout=subprocess.PIPE,
                         text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


@torch.no_grad()
def reference_numbers(model, ids, new_tokens):
    logits = model(input_ids=torch.tensor([ids])).logits[0].double()
    loss = torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(ids[1:])).item()
    out = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), do_sample=False,
                         max_new_tokens=new_tokens, output_logits=True, return_dict_in_generate=True)
    best = [step[0].topk(2).values for step in out.logits]
    return dict(loss=loss, greedy_ids=out.sequences[0, len(ids):].tolist(),
                margin=min((pair[0] - pair[1]).item() for pair in best))


def agree(name, ours, theirs):
    """Prints a line; whether all of it is as promised."""
    losses = max(abs(a["loss"] - b["loss"]) / b["loss"] for a, b in zip(ours, theirs))
    texts = sum(a["greedy_ids"] == b["greedy_ids"] for a, b in zip(ours, theirs))
    tokens = sum(len(b["greedy_ids"]) for b in theirs)
    print(f"{name}: losses differ by {losses:.1e} at most; {texts} of {len(theirs)} continuations equal, {tokens} tokens")
    return losses <= LOSS_LIMIT and texts == len(theirs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dense", type=pathlib.Path)
    parser.add_argument("upcycled", type=pathlib.Path)
    parser.add_argument("--prompts", type=int, default=48)
    parser.add_argument("--tokens", type=int, default=24)
    a = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    rows = some_prompts(a.prompts)
    tokenizer = transformers.AutoTokenizer.from_pretrained(a.dense)
    ids = {row["id"]: tokenizer.apply_chat_template([dict(role="user", content=row["prompt"])], add_generation_prompt=True,
                                                    return_dict=False) for row in rows}
    own = gatesweep_ids(a.upcycled, rows)
    same = sum(own[key] == value for key, value in ids.items())
    texts = list(ids.values())
    print(f"token ids: {same} of {len(ids)} prompts equal, {sum(map(len, texts))} tokens")

    model = transformers.AutoModelForCausalLM.from_pretrained(a.dense, dtype=torch.float32, attn_implementation="eager").eval()
    reference = [reference_numbers(model, text, a.tokens) for text in texts]
    del model
    print(f"transformers: mean loss {math.fsum(r['loss'] for r in reference) / len(reference):.4f}, "
          f"smallest distance of a token to the next best {min(r['margin'] for r in reference):.1e}; it says")
    print("   " + tokenizer.decode(reference[0]["greedy_ids"]).replace("\n", " "))
    dense = numbers_of(a.dense, texts, a.tokens)
    good = [same == len(ids), agree("dense against transformers", dense, reference)]
    good.append(agree("upcycled against dense", numbers_of(a.upcycled, texts, a.tokens), dense))
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
