#!/usr/bin/env python3
"""Trains the demo model, writes it with its held-out prompts and planted experts, and measures it. See README.md."""

import argparse
import pathlib

import torch
import transformers

import evaluation
import model as demo
import texts
import training

ROOT = pathlib.Path(__file__).resolve().parents[3]  # of the repository
SEED = 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(".")[0])
    parser.add_argument("--out", type=pathlib.Path, default=ROOT, help="where jobs/demo and prompts/demo are written")
    parser.add_argument("--steps", type=int, default=training.STEPS)
    parser.add_argument("--measure-only", action="store_true", help="measure the model that is there")
    args = parser.parse_args()
    folder = args.out / "jobs/demo/model"
    torch.set_num_threads(1)  # another number changes the last bits of the weights
    torch.use_deterministic_algorithms(True)
    transformers.logging.disable_progress_bar()
    held_out = texts.held_out_requests(SEED)
    if not args.measure_only:
        folder.mkdir(parents=True, exist_ok=True)
        texts.write_prompt_files(args.out / "prompts/demo", held_out)
        demo.write_planted(args.out / "jobs/demo/planted_experts.csv")
        tokenizer = demo.train_tokenizer(folder, SEED + 1)
        torch.manual_seed(SEED + 2)
        model = demo.new_model()
        training.train(model, tokenizer, SEED + 3, args.steps)
        demo.save(model, folder)
    # What ships is what is measured: the bf16 weights read back in float32.
    model = demo.MixtralForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    evaluation.measure(model, demo.load_tokenizer(folder), held_out, SEED + 4)


if __name__ == "__main__":
    main()
