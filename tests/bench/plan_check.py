#!/usr/bin/env python3
"""What `plan --cluster` predicts of a job beside what its run took, on this machine.

    python3 tests/bench/plan_check.py MODEL [--ranks 2]

The rates of the cluster file are measured first: products of 512 rows an expert, reading of memory, loading;
those of exchanges are options. Then the job is run --rounds times with one thread a rank; medians of timings.csv stand beside the prediction.
"""

import csv
import pathlib
import re
import statistics
import subprocess
import sys
import threading
import time

import side_by_side as bench

SWEEP = """[analysis.activation]
gap = 0.001
min = 0.001
[sweep]
prompts = ["harmful"]
max_new_tokens = 32
slots = {slots}
signals = ["activation"]
classes = ["malicious-dominant"]
sizes = [1, 2, 4, 8]
modes = ["mask", "zero"]
screen = {{ enabled = false }}
side_effects = []
"""


def reading_rate(threads):
    """Bytes per second that so many threads read from memory."""
    import numpy
    parts = [numpy.ones(1 << 27, numpy.float32) for _ in range(threads)]

    def once():
        workers = [threading.Thread(target=part.sum) for part in parts]
        start = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return sum(part.nbytes for part in parts) / (time.perf_counter() - start)
    return statistics.median(once() for _ in range(5))


def cluster_of(args):
    products, = bench.ours(args, "products", ranks=args.ranks, threads=1)
    load, = bench.ours(args, "load", ranks=args.ranks, threads=1)  # every rank reads the same, from storage once
    reading = reading_rate(args.ranks) / args.ranks
    return (f"[cluster]\nnodes = 1\nranks_per_node = {args.ranks}\nmemory_gb = 8\ntflops = {products['gflops'] / 1e3:.4f}\n"
            f"memory_gb_per_s = {reading / 1e9:.2f}\nnode_gb_per_s = {args.exchange_gb_per_s}\nnetwork_gb_per_s = {args.exchange_gb_per_s}\n"
            f"exchange_microseconds = {args.exchange_microseconds}\nstorage_gb_per_s = {load['bytes_per_rank'] / load['seconds'] / 1e9:.2f}\n")


def seconds(text):
    number, unit = text.split()
    return float(number) * {"ms": 1e-3, "s": 1, "min": 60, "h": 3600}[unit]


def main():
    parser = bench.arguments(__doc__)
    parser.add_argument("--gatesweep", default=str(bench.ROOT / "build/gatesweep"))
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--prompts", type=int, default=32, help="of each of two groups")
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--exchange-gb-per-s", type=float, default=3.0, help="between ranks of a node")
    parser.add_argument("--exchange-microseconds", type=float, default=20.0)
    args = parser.parse_args()
    with bench.temporary_folder() as name:
        folder = pathlib.Path(name)
        text = f'[model]\npath = "{args.model.resolve()}"\ndtype = "bfloat16"\n[parallel]\ndevice = "cpu"\nthreads = 1\n[signals]\nbatch_tokens = 1024\n'
        lines = bench.prompts_file(folder, args.model, 2 * args.prompts, 24, 96).read_text().splitlines()
        for number, group in enumerate(("benign", "harmful")):
            rows = lines[number * args.prompts:(number + 1) * args.prompts]
            (folder / f"{group}.jsonl").write_text("".join(f'{{"id": "{group}-{i}", "token_ids": {ids}}}\n' for i, ids in enumerate(rows)))
            text += f'[[prompts]]\ngroup = "{group}"\nfile = "{group}.jsonl"\n'
        (folder / "job.toml").write_text(text + SWEEP.format(slots=args.slots))
        print("| expert parallel | phase | predicted, s | measured, s | measured / predicted |\n|---|---|---|---|---|")
        (folder / "cluster.toml").write_text(cluster_of(args))
        for degree in sorted({1, args.ranks}):
            split = ["--set", f"parallel.expert_parallel={degree}"]
            plan = subprocess.run([args.gatesweep, "plan", folder / "job.toml", "--cluster", folder / "cluster.toml", *split],
                                  capture_output=True, text=True)
            if plan.returncode != 0:
                sys.exit(plan.stderr)
            predicted = {phase: seconds(value) for phase, value in re.findall(r"^(load|signals|sweep, \w+) {2,}(\S+ \S+)", plan.stdout, re.MULTILINE)}
            runs = []
            for round_ in range(args.rounds):
                out = folder / f"out-{degree}-{round_}"
                bench.run(["mpirun", "--oversubscribe", "--bind-to", "none", "-n", args.ranks, args.gatesweep, "run", folder / "job.toml", "--out", out, *split])
                with open(out / "timings.csv") as file:
                    runs.append({row["phase"]: float(row["seconds"]) for row in csv.DictReader(file)})
            for phase, value in predicted.items():
                measured = statistics.median(run.get(phase.replace("sweep, ", "sweep_"), float("nan")) for run in runs)
                print(f"| {degree} | {phase} | {value:.2f} | {measured:.2f} | {measured / value:.2f} |", flush=True)


if __name__ == "__main__":
    main()
