#!/usr/bin/env python3
"""Signals of prompts of 24 to 96 tokens: gatesweep packed and one by one, Hugging Face one by one and in padded batches.

    python3 tests/bench/signals_rate.py MODEL [--no-hf]

A padded batch of Hugging Face gives the gradient of the sum of its prompts, not one for each: a bound on its speed, no peer.
Then what the products of the signals come to, against the rate of expert products on their own in the same rounds.
"""

import statistics

import side_by_side as bench


def main():
    parser = bench.arguments(__doc__)
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--hf-prompts", type=int, default=16)
    parser.add_argument("--batch-tokens", type=int, default=4096)
    args = parser.parse_args()
    gflops = {"signals": [], "products of 512 rows": []}
    with bench.temporary_folder() as folder:
        prompts = bench.prompts_file(folder, args.model, args.prompts, 24, 96)

        def packed():
            line, = bench.ours(args, "signals", "--prompts", prompts, "--batch-tokens", args.batch_tokens)
            gflops["signals"].append(line["gflops"])
            gflops["products of 512 rows"].append(bench.ours(args, "products")[0]["gflops"])
            return line["tokens_per_second"]

        def theirs(experts, batch):
            return bench.hugging_face(args, "hf_signals.py", prompts, "--limit", args.hf_prompts, "--experts", experts,
                                      "--batch", batch)[0]["tokens_per_second"]

        engines = {"gatesweep": packed, "gatesweep, one prompt at a time":
                   lambda: bench.ours(args, "signals", "--prompts", prompts, "--batch-tokens", 1)[0]["tokens_per_second"]}
        for experts in args.experts if args.hf else ():
            for batch in (1, 16):
                engines[f"Hugging Face, {experts}, batch {batch}"] = lambda experts=experts, batch=batch: theirs(experts, batch)
        bench.table("signals, tokens/s", bench.measure(args.rounds, engines))
    share = statistics.median(a / b for a, b in zip(*gflops.values()))
    print("\n" + ", ".join(f"{name}: {statistics.median(rates):.0f} GFLOP/s" for name, rates in gflops.items()) + f"; share {share:.2f}")


if __name__ == "__main__":
    main()
