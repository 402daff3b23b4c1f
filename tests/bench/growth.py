#!/usr/bin/env python3
"""How time and memory grow: signals with tokens and with batch_tokens, decoding with sequences, all with ranks; and loading.

    python3 tests/bench/growth.py MODEL

Ranks: data parallel with one thread each, then the same ranks as one expert-parallel copy. More ranks than cores show
only what the exchanges cost.
"""

import os
import statistics
import subprocess

import side_by_side as bench


def median_of(rounds, measure):
    return statistics.median(measure() for _ in range(rounds))


def peak_memory(args, prompts, batch_tokens):
    """Bytes, of one pass."""
    command = [args.bench, args.model, "signals", "--threads", args.threads, "--runs", 0, "--prompts", prompts, "--batch-tokens", batch_tokens]
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss * 1024


def main():
    args = bench.arguments(__doc__).parse_args()
    signals = lambda *options, **more: bench.ours(args, "signals", *options, **more)[0]
    with bench.temporary_folder() as folder:
        print("| prompts | tokens | seconds | tokens/s |\n|---|---|---|---|")
        for count in (32, 64, 128, 256):
            prompts = bench.prompts_file(folder, args.model, count, 24, 96)
            lines = [signals("--prompts", prompts) for _ in range(args.rounds)]
            seconds = statistics.median(line["seconds"] for line in lines)
            print(f"| {count} | {lines[0]['tokens']} | {seconds:.3f} | {lines[0]['tokens'] / seconds:.0f} |", flush=True)

        prompts = bench.prompts_file(folder, args.model, 256, 24, 96)
        print("\n| batch_tokens | tokens/s | peak memory, MB |\n|---|---|---|")
        for batch in (512, 1024, 2048, 4096, 8192):
            rate = median_of(args.rounds, lambda: signals("--prompts", prompts, "--batch-tokens", batch)["tokens_per_second"])
            print(f"| {batch} | {rate:.0f} | {peak_memory(args, prompts, batch) / 1e6:.0f} |", flush=True)

        print("\n| ranks | expert parallel | signals, tokens/s | decode of 128 sequences, tokens/s | load, s | bytes per rank, MB |\n|---|---|---|---|---|---|")
        for ranks, degree in ((1, 1), (2, 1), (2, 2), (4, 4)):
            more = dict(ranks=ranks, threads=1)
            split = ("--expert-parallel", degree)
            rate = median_of(args.rounds, lambda: signals("--prompts", prompts, "--batch-tokens", 2048, *split, **more)["tokens_per_second"])
            decode = median_of(args.rounds, lambda: bench.ours(args, "decode", "--live", 128, "--length", 32, *split, **more)[0]["tokens_per_second"])
            load = [bench.ours(args, "load", *split, **more)[0] for _ in range(args.rounds)]
            print(f"| {ranks} | {degree} | {rate:.0f} | {decode:.0f} | {statistics.median(line['seconds'] for line in load):.2f} "
                  f"| {load[0]['bytes_per_rank'] / 1e6:.0f} |", flush=True)


if __name__ == "__main__":
    main()
