"""What the timings side by side share: the engines' commands, interleaved rounds, tables of medians and ratios."""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, help="folder of a checkpoint (make_checkpoint.py)")
    parser.add_argument("--gguf", type=pathlib.Path, help="the same weights for llama.cpp (make_gguf.py); left out without it")
    parser.add_argument("--llama", type=pathlib.Path, default=os.environ.get("LLAMA_BIN"), help="folder of llama-bench, llama-batched-bench")
    parser.add_argument("--bench", default=str(ROOT / "build/tests/model_bench"))
    parser.add_argument("--python", default=os.environ.get("PYTHON", sys.executable), help="that has torch and transformers")
    parser.add_argument("--no-hf", dest="hf", action="store_false")
    parser.add_argument("--experts", nargs="+", default=["eager", "grouped_mm"], help="of Hugging Face")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    return parser


def run(command):
    environment = dict(os.environ, OMPI_MCA_mpi_yield_when_idle="1")
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):  # every engine waits as it likes best
        environment.pop(name, None)
    if os.geteuid() == 0:
        environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}:\n{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def ours(args, what, *options, ranks=1, threads=None):
    launcher = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", ranks] if ranks > 1 else []
    return run([*launcher, args.bench, args.model, what, "--threads", threads or args.threads, *options])


def llama_decode(args, live, length, new):
    line, = run([args.llama / "llama-batched-bench", "-m", args.gguf, "-c", live * (length + new) + 256, "-b", 2048, "-ub", 512,
                 "-npp", length, "-ntg", new, "-npl", live, "-t", args.threads, "-tb", args.threads, "--output-format", "jsonl"])
    return line["speed_tg"]


def llama_prefill(args, length):
    line, = run([args.llama / "llama-bench", "-m", args.gguf, "-p", length, "-n", 0, "-t", args.threads, "-r", 1, "-o", "jsonl"])
    return line["avg_ts"]


def hugging_face(args, script, *options):
    return run([args.python, ROOT / "tests/bench" / script, args.model, *options, "--threads", args.threads, "--dtype", "bfloat16",
                "--runs", 1])


def prompts_file(folder, model, count, shortest, longest):
    """Random token ids, a list a line."""
    vocab = json.loads((model / "config.json").read_text())["vocab_size"]
    source, path = random.Random(1), pathlib.Path(folder) / f"prompts-{count}-{shortest}-{longest}.jsonl"
    with open(path, "w") as file:
        for _ in range(count):
            file.write(json.dumps([1] + [source.randrange(3, vocab) for _ in range(source.randint(shortest, longest) - 1)]) + "\n")
    return path


def measure(rounds, engines):
    """{name: rates}, each round once through all engines. An engine is a function without arguments."""
    rates = {name: [] for name in engines}
    for number in range(rounds):
        for name, engine in engines.items():
            rates[name].append(engine())
        print(f"round {number + 1} of {rounds}: load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    return rates


def table(unit, rates):
    """Medians, and by how much the first engine is faster: the median of the rounds' ratios."""
    first = next(iter(rates.values()))
    print(f"\n| {unit} | median | lowest | highest | the first is faster by |\n|---|---|---|---|---|")
    for name, values in rates.items():
        ratio = statistics.median(a / b for a, b in zip(first, values))
        print(f"| {name} | {statistics.median(values):.4g} | {min(values):.4g} | {max(values):.4g} | {ratio:.2f} |", flush=True)


temporary_folder = tempfile.TemporaryDirectory
