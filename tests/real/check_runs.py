#!/usr/bin/env python3
"""What runs on an upcycled model must show: check_runs.py UPCYCLED_RUN DISTURBED_RUN LAYER EXPERT. Exit code 1 where they do not."""

import csv
import json
import pathlib
import sys

import numpy as np

LIMIT = 1e-5  # of a perplexity ratio from 1, of a KL from 0
MARGIN_LIMIT = 1e-4  # nats, of the refusal margin: log-probabilities of a few openings in float32


def table(run, name):
    return list(csv.DictReader((run / "tables" / f"{name}.csv").open()))


def completions(run):
    """Token ids by trial, group and prompt."""
    lines = map(json.loads, (run / "completions.jsonl").open())
    return {(line["trial_id"], line["group"], line["prompt_id"]): line["token_ids"] for line in lines}


def check_equal_experts(run):
    """No trial changes anything."""
    rows = [row for row in table(run, "trials") if row["kind"] != "baseline"]
    texts = completions(run)
    same = [ids == texts["baseline", group, prompt] for (_, group, prompt), ids in texts.items()]
    off_diagonal = sum(int(row["r_to_n"]) + int(row["n_to_r"]) for row in rows)
    pairs = sum(int(row[name]) for row in rows for name in ("r_to_r", "r_to_n", "n_to_r", "n_to_n"))
    ratio = max(abs(float(row["perplexity_ratio"]) - 1) for row in rows if row["perplexity_ratio"])
    divergence = max(abs(float(row["mean_kl"])) for row in rows if row["mean_kl"])
    traffic = [float(row["traffic_removed"]) for row in rows if row["traffic_removed"]]
    largest = np.load(run / "arrays/gradient_scores.npy").max()
    trials = len({row["trial_id"] for row in rows})
    print(f"equal experts: {trials} sets of up to {max(int(row['num_experts']) for row in rows)} experts that take up to "
          f"{100 * max(traffic):.1f} % of the traffic; {off_diagonal} of {pairs} pairs off the diagonal; "
          f"{sum(same)} of {len(same)} replies equal;")
    print(f"   perplexity ratio within {ratio:.1e} of 1, KL up to {divergence:.1e}, largest gate gradient score {largest:.1e}")
    return trials > 0 and off_diagonal == 0 and all(same) and ratio <= LIMIT and divergence <= LIMIT and largest == 0


def check_disturbed(run, equal_run, layer, expert):
    """The screen finds the expert; without the expert all is as with equal ones.

    Each token has one expert here: of two, the mask of one would give all weight to the other, and of a pair with the
    disturbed expert change more than the mask of that one.
    """
    change = np.abs(np.load(run / "arrays/screen_margin_change.npy")).mean(axis=0)
    order = np.dstack(np.unravel_index(np.argsort(-change, axis=None), change.shape))[0]
    rank = 1 + [tuple(pair) for pair in order].index((layer, expert))
    elsewhere = np.delete(change, layer, axis=0).max()
    best = ", ".join(f"{l}:{e} {change[l, e]:.3g}" for l, e in order[:3])
    print(f"disturbed expert {layer}:{expert}: number {rank} of the screen; largest changes of the margin, in nats: {best}; "
          f"outside its layer {elsewhere:.1e} at most")
    own, texts = completions(run), completions(equal_run)
    trial = next(row["trial_id"] for row in table(run, "trials") if row["name"] == "disturbed")
    restored = [ids == texts["baseline", group, prompt] for (t, group, prompt), ids in own.items() if t == trial]
    moved = [ids != texts["baseline", group, prompt] for (t, group, prompt), ids in own.items() if t == "baseline"]
    print(f"   {sum(moved)} of {len(moved)} replies differ from the dense model's; with the expert masked "
          f"{len(restored) - sum(restored)} of {len(restored)} do")
    return rank == 1 and elsewhere <= MARGIN_LIMIT < change[layer, expert] and any(moved) and all(restored)


def main():
    equal, disturbed = map(pathlib.Path, sys.argv[1:3])
    layer, expert = map(int, sys.argv[3:5])
    good = [check_equal_experts(equal), check_disturbed(disturbed, equal, layer, expert)]
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
