#!/usr/bin/env python3
"""Makes a Hugging Face checkpoint (llama, BF16) of a GGUF file: convert.py FILE.gguf FOLDER. Needs gguf, numpy and torch.

Weights are dequantised and rounded to BF16: not the released ones, but real ones that know English.
"""

import json
import pathlib
import sys

import gguf
import torch
from safetensors.torch import save_file

NAMES = {
    "token_embd": "model.embed_tokens", "output_norm": "model.norm", "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
CONTROL = 3  # token_type of a special token


def hf_name(name):
    """blk.3.attn_q.weight -> model.layers.3.self_attn.q_proj.weight"""
    parts = name.split(".")
    if parts[0] == "blk":
        return f"model.layers.{parts[1]}.{NAMES[parts[2]]}.weight"
    return f"{NAMES[parts[0]]}.weight"


def half_by_half(weight, heads):
    """GGUF turns neighbours against each other, transformers the first half of a head against the second."""
    return weight.reshape(heads, -1, 2, weight.shape[1]).transpose(1, 2).reshape(weight.shape)


def weights(reader, heads, kv_heads):
    out = {}
    for tensor in reader.tensors:
        values = torch.from_numpy(gguf.dequantize(tensor.data, tensor.tensor_type).copy())
        for part, n in (("attn_q", heads), ("attn_k", kv_heads)):
            if f".{part}." in tensor.name:
                values = half_by_half(values, n)
        out[hf_name(tensor.name)] = values.bfloat16().contiguous()
    return out


def tokenizer_json(tokens, types, merges):
    """Of the pre-tokenizer that GGUF calls smollm: single digits, then GPT-2's bytes."""
    special = [dict(id=i, content=t, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
               for i, (t, kind) in enumerate(zip(tokens, types)) if kind == CONTROL]
    bytes_ = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=True)
    model = dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None,
                 fuse_unk=False, byte_fallback=False, vocab={t: i for i, t in enumerate(tokens)}, merges=merges)
    return dict(version="1.0", truncation=None, padding=None, added_tokens=special, normalizer=None,
                pre_tokenizer=dict(type="Sequence", pretokenizers=[dict(type="Digits", individual_digits=True), bytes_]),
                post_processor=None, decoder=dict(bytes_, add_prefix_space=True), model=model)


def main():
    source, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    reader = gguf.GGUFReader(source)

    def field(name):
        return reader.get_field(name).contents()

    assert field("general.architecture") == "llama" and field("tokenizer.ggml.pre") == "smollm", "another model"
    tokens, heads, kv_heads = (field("tokenizer.ggml.tokens"), field("llama.attention.head_count"),
                               field("llama.attention.head_count_kv"))
    bos, eos = field("tokenizer.ggml.bos_token_id"), field("tokenizer.ggml.eos_token_id")
    config = dict(
        architectures=["LlamaForCausalLM"], attention_bias=False, attention_dropout=0.0, bos_token_id=bos, eos_token_id=eos,
        hidden_act="silu", hidden_size=field("llama.embedding_length"), initializer_range=0.02,
        intermediate_size=field("llama.feed_forward_length"), max_position_embeddings=field("llama.context_length"),
        mlp_bias=False, model_type="llama", num_attention_heads=heads, num_hidden_layers=field("llama.block_count"),
        num_key_value_heads=kv_heads, pretraining_tp=1,
        rms_norm_eps=float(f"{field('llama.attention.layer_norm_rms_epsilon'):.6g}"),  # GGUF keeps a float32
        rope_theta=field("llama.rope.freq_base"), tie_word_embeddings=True, torch_dtype="bfloat16", use_cache=True,
        vocab_size=len(tokens))
    names = dict(bos_token=tokens[bos], eos_token=tokens[eos], unk_token=tokens[field("tokenizer.ggml.unknown_token_id")],
                 pad_token=tokens[field("tokenizer.ggml.padding_token_id")])
    tokenizer_config = dict(names, chat_template=field("tokenizer.chat_template"), clean_up_tokenization_spaces=False,
                            model_max_length=config["max_position_embeddings"], tokenizer_class="PreTrainedTokenizerFast")

    folder.mkdir(parents=True, exist_ok=True)
    files = {"config.json": config, "generation_config.json": dict(bos_token_id=bos, eos_token_id=eos),
             "tokenizer_config.json": tokenizer_config,
             "tokenizer.json": tokenizer_json(tokens, field("tokenizer.ggml.token_type"), field("tokenizer.ggml.merges"))}
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n")
    save_file(weights(reader, heads, kv_heads), folder / "model.safetensors", {"format": "pt"})


if __name__ == "__main__":
    main()
