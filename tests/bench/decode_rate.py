#!/usr/bin/env python3
"""Decoding at many numbers of live sequences: gatesweep, llama.cpp, Hugging Face. Tokens per second of the steps alone.

    python3 tests/bench/decode_rate.py MODEL --gguf MODEL.gguf --llama LLAMA/build/bin

Every sequence has its own prompt. Hugging Face: generate of --new tokens, less the time of one token (its prefill).
"""

import json

import side_by_side as bench


def hf_rate(args, folder, experts, live):
    prompts = bench.prompts_file(folder, args.model, live, args.length, args.length)
    variants = prompts.with_suffix(".variants.json")
    variants.write_text(json.dumps([[]]))
    seconds = {}
    for new in (1, args.new + 1):
        line, = bench.hugging_face(args, "hf_generate.py", prompts, variants, "--batch", live, "--experts", experts, "--max-new-tokens", new)
        seconds[line["tokens"]] = line["seconds"]
    (few, short), (many, long) = sorted(seconds.items())
    return (many - few) / (long - short)


def main():
    parser = bench.arguments(__doc__)
    parser.add_argument("--live", type=int, nargs="+", default=[1, 8, 32, 128, 512])
    parser.add_argument("--hf-live", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--length", type=int, default=32)
    parser.add_argument("--new", type=int, default=32)
    args = parser.parse_args()
    with bench.temporary_folder() as folder:
        for live in args.live:
            engines = {"gatesweep": lambda: bench.ours(args, "decode", "--live", live, "--length", args.length, "--new", args.new)[0]["tokens_per_second"]}
            if args.gguf:
                engines["llama.cpp"] = lambda: bench.llama_decode(args, live, args.length, args.new)
            for experts in args.experts if args.hf and live in args.hf_live else ():
                engines[f"Hugging Face, {experts}"] = lambda experts=experts: hf_rate(args, folder, experts, live)
            bench.table(f"decode, {live} sequences, tokens/s", bench.measure(args.rounds, engines))


if __name__ == "__main__":
    main()
