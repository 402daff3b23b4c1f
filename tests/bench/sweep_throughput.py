#!/usr/bin/env python3
"""Times a sweep with all variants in the same batches against the same work done one variant at a time.

    python3 tests/bench/sweep_throughput.py [--gatesweep build/gatesweep] [--hf]

On the demo model, one thread per rank, interleaved rounds of
  mixed      one job: --variants expert sets and the baseline, on 1 rank and on 2
  one by one a job per variant (--sampled of them): the same engine, but only one variant in a batch at a time
  hf         with --hf: tests/bench/hf_generate.py on --hf-variants sets and --hf-prompts prompts at batch 32, a
             quarter of them at batch 1; needs torch, transformers and sentencepiece in the interpreter named by $PYTHON, or
             in the one that runs this
  edits      mixed, where every set is a bias of 1e-30, which changes no token: in prefill and decode, and in prefill
             only. Both decode the same tokens, the first one with an edited router: the difference is what edits cost

Rates are generated tokens (ends included) per second of prefill and decode; starting, loading, signals and labels are not
counted. Decoding less than the whole set of prompts and variants is stated as a rate, not scaled to a time.
"""

import argparse
import csv
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
JOB = """[model]
path = "{root}/jobs/demo/model"
dtype = "float32"
[parallel]
device = "cpu"
threads = 1
[[prompts]]
group = "benign"
file = "{root}/prompts/demo/benign.csv"
limit = 4
[[prompts]]
group = "harmful"
file = "{root}/prompts/demo/harmful.csv"
limit = {prompts}
[sweep]
prompts = ["harmful"]
max_new_tokens = {tokens}
signals = ["activation"]
sizes = [1]
classes = ["weak-malicious"]
gap_thresholds = {{ activation = [1.0] }}   # the grid is empty, what follows is the sweep
"""
TOKENIZE = """
import json, sys
from sentencepiece import SentencePieceProcessor
tokenizer = SentencePieceProcessor(model_file=sys.argv[1])
for prompt in json.load(sys.stdin):
    print(json.dumps([tokenizer.bos_id()] + tokenizer.encode(f"[INST] {prompt} [/INST]")))
"""
TRIAL = '[[sweep.trial]]\nname = "{name}"\nexperts = {experts}\n{how}\n'


def expert_sets(number, seed=1):
    """Two experts of different layers each, none twice."""
    source, sets = random.Random(seed), []
    while len(sets) < number:
        layers = sorted(source.sample(range(8), 2))
        experts = [[layer, source.randrange(8)] for layer in layers]
        if experts not in sets:
            sets.append(experts)
    return sets


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder, self.runs = args, pathlib.Path(folder), 0
        self.environment = dict(os.environ, OMP_WAIT_POLICY="passive", OMPI_MCA_mpi_yield_when_idle="1")
        if os.geteuid() == 0:
            self.environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")

    def sweep(self, sets, ranks=1, how='mode = "mask"'):
        """Tokens generated, seconds of prefill and of decode, and the run's folder."""
        self.runs += 1
        job, out = self.folder / f"{self.runs}.toml", self.folder / f"run{self.runs}"
        trials = "".join(TRIAL.format(name=f"set {i}", experts=experts, how=how) for i, experts in enumerate(sets))
        job.write_text(JOB.format(root=ROOT, prompts=self.args.prompts, tokens=self.args.tokens) + trials)
        launcher = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
        subprocess.run(launcher + [self.args.gatesweep, "-q", "run", str(job), "--out", str(out)], check=True,
                       env=self.environment, stdout=subprocess.DEVNULL)
        seconds = {row["phase"]: float(row["seconds"]) for row in rows_of(out / "timings.csv")}
        with open(out / "completions.jsonl") as file:
            tokens = sum(len(json.loads(line)["token_ids"]) for line in file)
        return tokens, seconds["sweep_prefill"], seconds["sweep_decode"], out

    def rate(self, *args, **kwargs):
        tokens, prefill, decode, _ = self.sweep(*args, **kwargs)
        return tokens / (prefill + decode)

    def one_by_one(self, sets):
        runs = [self.sweep([experts]) for experts in sets]
        return sum(tokens for tokens, *_ in runs) / sum(prefill + decode for _, prefill, decode, _ in runs)

    def prompt_tokens(self):
        """The harmful prompts as the demo model's chat template has them."""
        path = self.folder / "prompts.jsonl"
        if not path.exists():
            prompts = [row["prompt"] for row in rows_of(ROOT / "prompts/demo/harmful.csv")[:self.args.hf_prompts]]
            done = subprocess.run([self.args.python, "-c", TOKENIZE, str(ROOT / "jobs/demo/model/tokenizer.model")], input=json.dumps(prompts),
                                  check=True, capture_output=True, text=True)
            path.write_text(done.stdout)
        return path

    def hugging_face(self, sets):
        """Tokens per second by setting; one at a time on a quarter of the prompts, since it is slow."""
        variants, rates = self.folder / "variants.json", {}
        variants.write_text(json.dumps(sets[:self.args.hf_variants]))
        for batch, limit in ((1, max(1, self.args.hf_prompts // 4)), (32, self.args.hf_prompts)):
            done = subprocess.run([self.args.python, str(ROOT / "tests/bench/hf_generate.py"), str(ROOT / "jobs/demo/model"),
                                   str(self.prompt_tokens()), str(variants), "--batch", str(batch), "--limit", str(limit),
                                   "--runs", "1", "--max-new-tokens", str(self.args.tokens)],
                                  check=True, capture_output=True, text=True)
            for line in map(json.loads, done.stdout.splitlines()):
                rates[f"hf {line['experts']}, batch {batch}"] = line["tokens_per_second"]
        return rates

    def edit_overhead(self, sets):
        """Decode seconds with an edited router over those without."""
        tiny = 'mode = "bias"\nbias = 1e-30\n'
        edited, plain = self.sweep(sets, how=tiny + 'scope = "both"'), self.sweep(sets, how=tiny + 'scope = "prefill"')
        if edited[0] != plain[0]:
            sys.exit(f"{edited[0]} and {plain[0]} tokens: a bias of 1e-30 changed what was decoded, so there is nothing to compare")
        return edited[2] / plain[2]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gatesweep", default=os.environ.get("GATESWEEP", str(ROOT / "build/gatesweep")))
    parser.add_argument("--python", default=os.environ.get("PYTHON", sys.executable), help="that has torch, transformers and sentencepiece")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variants", type=int, default=32)
    parser.add_argument("--sampled", type=int, default=3, help="variants run one by one in each round")
    parser.add_argument("--prompts", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--hf", action="store_true")
    parser.add_argument("--hf-variants", type=int, default=2)
    parser.add_argument("--hf-prompts", type=int, default=32)
    return parser.parse_args()


def main():
    args = arguments()
    sets, rates, overheads = expert_sets(args.variants), {}, []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args, folder)
        for round_id in range(args.rounds):
            sampled = [sets[(round_id * args.sampled + i) % len(sets)] for i in range(args.sampled)]
            measured = {"mixed, 1 rank": bench.rate(sets), "mixed, 2 ranks": bench.rate(sets, ranks=2),
                        "one by one, 1 rank": bench.one_by_one(sampled)}
            if args.hf:
                measured.update(bench.hugging_face(sets))
            for name, rate in measured.items():
                rates.setdefault(name, []).append(rate)
            overheads.append(bench.edit_overhead(sets))
            print(f"round {round_id + 1} of {args.rounds}: load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    mixed = rates["mixed, 1 rank"]
    print(f"{'tokens generated per second':32}{'median':>8}{'lowest':>8}{'highest':>9}   mixed, 1 rank / this (median of rounds)")
    for name, values in rates.items():
        ratio = statistics.median(a / b for a, b in zip(mixed, values))
        print(f"{name:32}{statistics.median(values):8.0f}{min(values):8.0f}{max(values):9.0f}   {ratio:.2f}")
    print(f"decode with an edited router / without: median {statistics.median(overheads):.3f}, rounds "
          + " ".join(f"{ratio:.3f}" for ratio in overheads))


if __name__ == "__main__":
    main()
