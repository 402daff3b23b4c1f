#!/usr/bin/env python3
"""Prefill of one sequence: gatesweep and llama.cpp.

    python3 tests/bench/prefill_rate.py MODEL --gguf MODEL.gguf --llama LLAMA/build/bin
"""

import side_by_side as bench


def main():
    parser = bench.arguments(__doc__)
    parser.add_argument("--length", type=int, default=512)
    args = parser.parse_args()
    engines = {"gatesweep": lambda: bench.ours(args, "prefill", "--length", args.length)[0]["tokens_per_second"]}
    if args.gguf:
        engines["llama.cpp"] = lambda: bench.llama_prefill(args, args.length)
    bench.table(f"prefill of {args.length} tokens, tokens/s", bench.measure(args.rounds, engines))


if __name__ == "__main__":
    main()
