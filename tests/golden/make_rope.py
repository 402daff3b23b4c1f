#!/usr/bin/env python3
"""Makes rope.json: frequencies and magnitudes of scaled rotary embeddings, by Hugging Face transformers. See README.md."""

import json
import pathlib

import torch
import transformers
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

YARN = dict(rope_type="yarn", rope_theta=1e4, factor=40.0, original_max_position_embeddings=4096)
LONG = dict(rope_type="longrope", rope_theta=1e4, short_factor=[1.0, 1.01, 1.05, 1.2, 1.3, 1.35, 2.0, 3.5],
            long_factor=[1.1, 1.3, 1.9, 4.0, 9.5, 20.0, 41.0, 60.5], original_max_position_embeddings=64)

# head_dim, max_position_embeddings, the field's dictionary
CASES = [
    (16, 4096, dict(rope_type="linear", rope_theta=1e4, factor=4.0)),
    (64, 131072, dict(rope_type="llama3", rope_theta=5e5, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                      original_max_position_embeddings=8192)),
    (128, 131072, dict(rope_type="llama3", rope_theta=5e5, factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
                       original_max_position_embeddings=8192)),
    (16, 1024, dict(rope_type="llama3", rope_theta=1e4, factor=3.0, low_freq_factor=1.5, high_freq_factor=5.0,
                    original_max_position_embeddings=100)),
    (64, 131072, dict(rope_type="yarn", rope_theta=150000.0, factor=32.0, beta_fast=32.0, beta_slow=1.0,
                      original_max_position_embeddings=4096, truncate=False)),  # gpt-oss
    (64, 163840, dict(YARN, beta_fast=32, beta_slow=1, mscale=0.707, mscale_all_dim=0.707)),  # DeepSeek-V2-Lite
    (16, 163840, dict(YARN, mscale=1.0, mscale_all_dim=0.5)),
    (128, 131072, dict(rope_type="yarn", rope_theta=1e6, factor=4.0, original_max_position_embeddings=32768)),  # Qwen
    (24, 256, dict(rope_type="yarn", rope_theta=1e4, factor=2.5, attention_factor=1.25, beta_fast=16.0, beta_slow=2.0,
                   original_max_position_embeddings=100)),
    (16, 1024, dict(YARN, factor=None, original_max_position_embeddings=128)),
    (16, 1024, LONG),
    (16, 1024, dict(LONG, factor=4.0)),
    (16, 64, LONG),
    (16, 1024, dict(LONG, attention_factor=1.19)),
]


def computed(case):
    head_dim, positions, rope = case
    config = LlamaConfig(hidden_size=2 * head_dim, num_attention_heads=2, head_dim=head_dim,
                         max_position_embeddings=positions, rope_parameters=dict(rope))
    compute = ROPE_INIT_FUNCTIONS[rope["rope_type"]]
    frequencies, magnitude = compute(config)
    row = dict(head_dim=head_dim, max_position_embeddings=positions, rope_parameters=rope,
               frequencies=frequencies.double().tolist(), magnitude=magnitude)
    if rope["rope_type"] == "longrope":
        longer, _ = compute(config, seq_len=config.rope_parameters["original_max_position_embeddings"] + 1)
        row["long_frequencies"] = longer.double().tolist()
    return row


def main():
    transformers.logging.set_verbosity_error()
    rows = ",\n".join(json.dumps(computed(case)) for case in CASES)
    head = json.dumps(dict(torch=torch.__version__.split("+")[0], transformers=transformers.__version__))
    (pathlib.Path(__file__).parent / "rope.json").write_text(f'{head[:-1]}, "cases": [\n{rows}\n]}}\n')


if __name__ == "__main__":
    main()
