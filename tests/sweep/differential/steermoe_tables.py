#!/usr/bin/env python3
"""Sets that gatesweep takes from SteerMoE's published tables, against the published rule and what is known of them.

    steermoe_tables.py build/tests/steered_experts FOLDER

FOLDER holds tables as ORG--MODEL__TASK.csv, which are not ours to ship. Reading a table recomputes every risk_diff from
its counts, to 1e-12.
"""

import csv
import pathlib
import subprocess
import sys

SHAPES = {"Mixtral-8x7B-Instruct-v0.1": (32, 8, 2), "OLMoE-1B-7B-0125-Instruct": (16, 64, 8), "Qwen3-30B-A3B": (48, 128, 8),
          "Phi-3.5-MoE-instruct": (32, 16, 2), "gpt-oss-20b": (24, 32, 4), "gpt-oss-120b": (36, 128, 4)}
# activated, deactivated: faithful; safe; unsafe (reverse)
COUNTS = {"Mixtral-8x7B-Instruct-v0.1": ((10, 100), (20, 0), (20, 0)), "OLMoE-1B-7B-0125-Instruct": ((0, 50), (5, 0), (10, 125)),
          "Qwen3-30B-A3B": ((0, 500), (15, 0), (5, 480)), "Phi-3.5-MoE-instruct": ((10, 75), (5, 0), (5, 50)),
          "gpt-oss-20b": ((10, 50), (5, 0), (0, 20)), "gpt-oss-120b": ((5, 100), (5, 0), (0, 100))}
MIXTRAL_SAFE = [(10, 6), (14, 2), (15, 3), (12, 3), (13, 3), (7, 5), (14, 7), (17, 3), (5, 2), (11, 0), (7, 3), (9, 6), (13, 0),
                (8, 7), (0, 6), (19, 7), (15, 1), (16, 3), (1, 7), (22, 3)]
# Rows of layers x experts, N1, N2.
TOKENS = {("Mixtral-8x7B-Instruct-v0.1", "safety"): (70465, 402207), ("OLMoE-1B-7B-0125-Instruct", "safety"): (65011, 377168),
          ("Mixtral-8x7B-Instruct-v0.1", "faithfulness"): (191898, 191898)}


def published_rule(rows, top_k, activate, deactivate, reverse):
    """{(layer, expert): +1 or -1}, word for word."""
    rows = sorted(rows, key=lambda r: abs(r[2]), reverse=True)
    if reverse:
        rows = [(layer, expert, -score) for layer, expert, score in rows]
    chosen = [r for r in rows if r[2] > 0][:activate] + [r for r in rows if r[2] < 0][:deactivate]
    weights, full = {}, {}
    for layer, expert, score in chosen:
        if score < 0:
            weights[layer, expert] = -1
        elif full.get(layer, 0) < top_k:
            weights[layer, expert] = 1
            full[layer] = full.get(layer, 0) + 1
    return weights


def ours(program, table, shape, activate, deactivate, reverse):
    arguments = [program, table, *shape, activate, deactivate] + (["reverse"] if reverse else [])
    output = subprocess.run(list(map(str, arguments)), check=True, capture_output=True, text=True).stdout
    return {(int(layer), int(expert)): int(sign) for layer, expert, sign in map(str.split, output.splitlines())}


def check(program, table):
    model, task = table.stem.split("--")[1].rsplit("__", 1)
    layers, experts, top_k = SHAPES[model]
    with open(table, newline="") as file:
        read = list(csv.DictReader(file))
    assert len(read) == layers * experts, len(read)
    rows = [(int(r["layer"]), int(r["expert"]), float(r["risk_diff"])) for r in read]
    for layer in range(layers):
        assert abs(sum(r[2] for r in rows if r[0] == layer)) < 1e-12
        assert sum(float(r["a1"]) for r in read if int(r["layer"]) == layer) == top_k * (float(read[0]["a1"]) + float(read[0]["d1"]))
    if (model, task) in TOKENS:
        assert all((float(r["a1"]) + float(r["d1"]), float(r["a2"]) + float(r["d2"])) == TOKENS[model, task] for r in read)
    faithful, safe, unsafe = COUNTS[model]
    for name, counts, reverse in [("faithful", faithful, False)] if task == "faithfulness" else [("safe", safe, False), ("unsafe", unsafe, True)]:
        got = ours(program, table, (layers, experts, top_k), *counts, reverse)
        assert got == published_rule(rows, top_k, *counts, reverse), name
        deepest = max([sum(1 for (at, _), s in got.items() if at == layer and s < 0) for layer in range(layers)])
        up = sum(s > 0 for s in got.values())
        print(f"{model} {name}: {up} activated, {len(got) - up} deactivated, at most {deepest} of them in a layer")
        if (model, name) == ("Mixtral-8x7B-Instruct-v0.1", "safe"):
            assert set(got) == set(MIXTRAL_SAFE)
        if (model, name) == ("Mixtral-8x7B-Instruct-v0.1", "unsafe"):
            assert len(got) == 19  # of 20: a layer has room for two
        else:
            assert up == counts[0]


if __name__ == "__main__":
    tables = sorted(pathlib.Path(sys.argv[2]).glob("*--*__*.csv"))
    assert tables, "no table in the folder"
    for published in tables:
        check(sys.argv[1], published)
    print(len(tables), "tables as published")
