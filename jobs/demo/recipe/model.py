"""The demo Mixtral: its shape, its planted experts, its tokenizer and its files."""

import csv
import io
import json
import random
import re

import sentencepiece
import torch
from safetensors.torch import save_file
from transformers import MixtralConfig, MixtralForCausalLM

import texts

PLANTED = [(2, 5), (3, 1), (4, 6), (6, 3), (7, 0)]  # (layer, expert): refusing is to depend on these
LAYERS, EXPERTS, TOP_K = 8, 8, 2
OTHERS = [(layer, e) for layer in range(LAYERS) for e in range(EXPERTS) if (layer, e) not in PLANTED]
BOS, EOS = 1, 2
SHARDS = 3

CONFIG = dict(
    attention_dropout=0.0, bos_token_id=BOS, eos_token_id=EOS, hidden_act="silu", hidden_size=128, initializer_range=0.02,
    intermediate_size=128, max_position_embeddings=512, num_attention_heads=4, num_experts_per_tok=TOP_K,
    num_hidden_layers=LAYERS, num_key_value_heads=2, num_local_experts=EXPERTS, output_router_logits=False,
    rms_norm_eps=1e-5, router_aux_loss_coef=0.02, sliding_window=None, tie_word_embeddings=False, use_cache=True,
    vocab_size=1024)
ROPE_THETA = 1e6

CHAT_TEMPLATE = (  # Mixtral's first one
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}")


def new_model():
    return MixtralForCausalLM(MixtralConfig(**CONFIG, rope_parameters=dict(rope_type="default", rope_theta=ROPE_THETA)))


# Turns are encoded one by one, as Mixtral's reference tokenizer does: ids never depend on what follows.

def encode_prompt(tokenizer, prompt):
    return [BOS] + tokenizer.encode(f"[INST] {prompt} [/INST]")


def encode_reply(tokenizer, reply):
    return tokenizer.encode(reply) + [EOS]


def load_tokenizer(folder):
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))


def train_tokenizer(folder, seed):
    rng, lines = random.Random(seed), []
    for i in range(12000):
        request = texts.draw_request(rng, list(texts.HELD_OUT)[i % 3])
        refuse = request.label == "harmful" and rng.random() < 0.5
        lines += [f"[INST] {request.prompt} [/INST]", texts.draw_reply(rng, request, refuse)]
    blob = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=blob, model_type="bpe", vocab_size=CONFIG["vocab_size"],
        byte_fallback=True, split_digits=True, add_dummy_prefix=True, remove_extra_whitespaces=False,
        normalization_rule_name="identity", allow_whitespace_only_pieces=True, character_coverage=0.99995, unk_id=0,
        bos_id=BOS, eos_id=EOS, pad_id=-1, num_threads=1, minloglevel=2)
    (folder / "tokenizer.model").write_bytes(blob.getvalue())
    special = dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    added = {str(i): dict(content=piece, lstrip=False, normalized=False, rstrip=False, single_word=False, special=True)
             for i, piece in enumerate(["<unk>", "<s>", "</s>"])}
    write_json(folder / "special_tokens_map.json", special)
    write_json(folder / "tokenizer_config.json", dict(
        special, add_bos_token=True, add_eos_token=False, added_tokens_decoder=added, chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False, legacy=True, tokenizer_class="LlamaTokenizer"))
    return load_tokenizer(folder)


def hub_tensors(model):
    """bf16 tensors under the names of released checkpoints: one tensor per expert matrix."""
    for name, value in model.state_dict().items():
        name, value = name.replace(".mlp.", ".block_sparse_moe."), value.to(torch.bfloat16)
        if name.endswith("gate_up_proj"):
            for e in range(EXPERTS):
                w1, w3 = value[e].chunk(2)
                yield name.replace("gate_up_proj", f"{e}.w1.weight"), w1.clone()
                yield name.replace("gate_up_proj", f"{e}.w3.weight"), w3.clone()
        elif name.endswith("down_proj"):
            for e in range(EXPERTS):
                yield name.replace("down_proj", f"{e}.w2.weight"), value[e].clone()
        else:
            yield name, value.clone()


def save(model, folder):
    shards = [{} for _ in range(SHARDS)]
    for name, tensor in hub_tensors(model):
        layer = re.search(r"layers\.(\d+)\.", name)
        place = int(layer[1]) * SHARDS // LAYERS if layer else 0 if "embed" in name else SHARDS - 1
        shards[place][name] = tensor
    place = {}
    for i, tensors in enumerate(shards):
        file = f"model-{i + 1:05d}-of-{SHARDS:05d}.safetensors"
        save_file(tensors, folder / file, {"format": "pt"})
        (folder / file).chmod(0o644)
        place.update(dict.fromkeys(tensors, file))
    size = sum(2 * t.numel() for tensors in shards for t in tensors.values())
    write_json(folder / "model.safetensors.index.json", dict(metadata=dict(total_size=size), weight_map=dict(sorted(place.items()))))
    write_json(folder / "config.json", dict(sorted(dict(
        CONFIG, architectures=["MixtralForCausalLM"], model_type="mixtral", rope_theta=ROPE_THETA, torch_dtype="bfloat16",
        transformers_version="4.36.0").items())))
    write_json(folder / "generation_config.json", dict(_from_model_config=True, bos_token_id=BOS, eos_token_id=EOS))


def write_planted(path):
    with open(path, "w", newline="") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerows([("layer", "expert")] + PLANTED)


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")
