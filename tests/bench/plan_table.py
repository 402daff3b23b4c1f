#!/usr/bin/env python3
"""Predicted times of Mixtral-8x7B on 1, 8 and 64 GPUs: what `plan --cluster` says of two jobs. Nothing is measured.

    python3 tests/bench/plan_table.py [--gatesweep build/gatesweep]

The rates stand below: half of the dense bfloat16 peak of an H200, 80 % of its memory's, and common figures for links.
"""

import argparse
import json
import pathlib
import random
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "torch_dtype": "bfloat16", "hidden_size": 4096,
          "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
          "num_local_experts": 8, "num_experts_per_tok": 2, "vocab_size": 32000, "max_position_embeddings": 32768,
          "hidden_act": "silu", "rms_norm_eps": 1e-5, "rope_theta": 1e6, "sliding_window": None, "tie_word_embeddings": False,
          "bos_token_id": 1, "eos_token_id": 2}
RATES = """memory_gb = 141
tflops = 400
memory_gb_per_s = 3800
node_gb_per_s = 370
network_gb_per_s = 45
exchange_microseconds = 30
storage_gb_per_s = 5
"""
SWEEP = """[sweep]
prompts = ["harmful"]
max_new_tokens = 64
signals = ["activation"]
classes = ["malicious-dominant", "benign-dominant"]
modes = ["mask", "zero"]
scopes = ["both", "decode"]
sizes = {sizes}
screen = {{ enabled = false }}
controls = {{ random = 0 }}
side_effects = []
"""


def write_prompts(path, group, count):
    source = random.Random(count)
    with open(path, "w") as file:
        for number in range(count):
            ids = [1] + [source.randrange(3, CONFIG["vocab_size"]) for _ in range(source.randint(23, 95))]
            file.write(json.dumps({"id": f"{group}-{number}", "token_ids": ids}) + "\n")


def plan(gatesweep, folder, job, nodes, ranks, degree):
    (folder / "cluster.toml").write_text(f"[cluster]\nnodes = {nodes}\nranks_per_node = {ranks}\n{RATES}")
    done = subprocess.run([gatesweep, "plan", folder / job, "--cluster", folder / "cluster.toml", "--set", f"parallel.expert_parallel={degree}"],
                          check=True, capture_output=True, text=True).stdout
    time = {name: re.search(rf"^{re.escape(name)} {{2,}}(\S+ \S+)", done, re.MULTILINE) for name in ("load", "signals", "sweep, prefill", "sweep, decode", "all")}
    memory = re.search(r"^(.* on each rank: .*)$", done, re.MULTILINE).group(1)
    return {name: match.group(1) if match else "-" for name, match in time.items()}, memory


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gatesweep", default=str(ROOT / "build/gatesweep"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "model").mkdir()
        (folder / "model/config.json").write_text(json.dumps(CONFIG))
        for job, counts, sweep in (("sweep", (50, 100), SWEEP.format(sizes=list(range(1, 51)))), ("signals", (5000, 5000), "")):
            text = '[model]\npath = "model"\n'
            for group, count in zip(("benign", "harmful"), counts):
                write_prompts(folder / f"{job}-{group}.jsonl", group, count)
                text += f'[[prompts]]\ngroup = "{group}"\nfile = "{job}-{group}.jsonl"\n'
            (folder / f"{job}.toml").write_text(text + sweep)
        print("| job | GPUs | expert parallel | load | signals | prefill | decode | all | memory |\n|---|---|---|---|---|---|---|---|---|")
        for job, title in (("sweep.toml", "100 prompts x 400 cells"), ("signals.toml", "signals of 10,000 prompts")):
            for nodes, ranks, degree in ((1, 1, 1), (1, 8, 1), (1, 8, 8), (8, 8, 1), (8, 8, 8)):
                time, memory = plan(args.gatesweep, folder, job, nodes, ranks, degree)
                print(f"| {title} | {nodes * ranks} | {degree} | {' | '.join(time.values())} | {memory} |")


if __name__ == "__main__":
    main()
