#!/usr/bin/env python3
"""Makes dense-bf16: a small dense Mistral checkpoint, of the kind a judge is, and what Hugging Face computes on it. See README.md."""

import json
import math
import pathlib
import shutil

import sentencepiece
import torch
import transformers
from transformers import MistralConfig, MistralForCausalLM

import checkpoints
import make_prompts
import templates
import vocabularies
from make_goldens import NEW_TOKENS, token_ids, write_json
from search import GREEDY_MARGIN

FOLDER = pathlib.Path(__file__).parent / "dense-bf16"
VOCAB, HIDDEN, FFN, LAYERS, HEADS, KV_HEADS, HEAD_DIM, WINDOW, EOS = 384, 16, 32, 2, 4, 2, 8, 12, 2
ANSWERS = [262, 17, 371, 300, 2]  # ids whose log-probabilities are compared, in this order

CONFIG = dict(
    architectures=["MistralForCausalLM"], attention_dropout=0.0, bos_token_id=1, eos_token_id=EOS, head_dim=HEAD_DIM,
    hidden_act="silu", hidden_size=HIDDEN, initializer_range=0.02, intermediate_size=FFN, max_position_embeddings=1024,
    model_type="mistral", num_attention_heads=HEADS, num_hidden_layers=LAYERS, num_key_value_heads=KV_HEADS,
    rms_norm_eps=1e-5, rope_theta=10000.0, sliding_window=WINDOW, tie_word_embeddings=False, torch_dtype="bfloat16",
    transformers_version="4.36.0", use_cache=True, vocab_size=VOCAB)


def random_weights(seed):
    """Scaled by fan-in, as the weights of the other checkpoints."""
    g = torch.Generator().manual_seed(seed)

    def matrix(rows, columns, scale):
        return checkpoints.normal(g, rows, columns, scale=scale * columns**-0.5)

    def norm():
        return 1 + checkpoints.normal(g, HIDDEN, scale=0.1)

    w = {"model.embed_tokens.weight": checkpoints.normal(g, VOCAB, HIDDEN, scale=1.0)}
    for layer in range(LAYERS):
        p = f"model.layers.{layer}."
        w[p + "input_layernorm.weight"] = norm()
        w[p + "post_attention_layernorm.weight"] = norm()
        w[p + "self_attn.q_proj.weight"] = matrix(HEADS * HEAD_DIM, HIDDEN, 1.5)
        w[p + "self_attn.k_proj.weight"] = matrix(KV_HEADS * HEAD_DIM, HIDDEN, 1.5)
        w[p + "self_attn.v_proj.weight"] = matrix(KV_HEADS * HEAD_DIM, HIDDEN, 1.0)
        w[p + "self_attn.o_proj.weight"] = matrix(HIDDEN, HEADS * HEAD_DIM, 1.0)
        w[p + "mlp.gate_proj.weight"] = matrix(FFN, HIDDEN, 1.5)
        w[p + "mlp.up_proj.weight"] = matrix(FFN, HIDDEN, 1.5)
        w[p + "mlp.down_proj.weight"] = matrix(HIDDEN, FFN, 1.5)
    w["model.norm.weight"] = norm()
    w["lm_head.weight"] = matrix(VOCAB, HIDDEN, 2.0)
    return {name: tensor.bfloat16() for name, tensor in w.items()}


@torch.no_grad()
def logits(model, ids):
    return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].float()


def measure(model, ids):
    """Mean next-token cross-entropy, and log-probabilities of the answers after the last token."""
    log_p = logits(model, ids).double().log_softmax(dim=-1)
    loss = -log_p[:-1].gather(1, torch.tensor(ids[1:])[:, None]).mean().item()
    return dict(loss=loss, answer_log_probabilities=log_p[-1, ANSWERS].tolist())


def greedy(model, ids):
    """The whole sequence again at each step; tokens and the least distance of best to second, in units of the spread."""
    new, margin = [], math.inf
    while len(new) < NEW_TOKENS and EOS not in new:
        last = logits(model, ids + new)[-1]
        best = last.topk(2)
        margin = min(margin, ((best.values[0] - best.values[1]) / last.std()).item())
        new.append(best.indices[0].item())
    return new, margin


def in_memory(weights):
    config = MistralConfig(**{k: v for k, v in CONFIG.items() if k != "torch_dtype"}, attn_implementation="eager")
    model = MistralForCausalLM(config).float().eval()
    model.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return model


def write_model(weights, vocabulary):
    folder = FOLDER / "model"
    shutil.rmtree(FOLDER, ignore_errors=True)
    folder.mkdir(parents=True)
    checkpoints.save(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    generation = dict(_from_model_config=True, bos_token_id=1, eos_token_id=EOS)
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    templates.write(folder, "first", "string")
    (folder / "tokenizer.model").write_bytes(vocabulary)
    return folder


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    vocabulary = vocabularies.all_vocabularies()[VOCAB]
    processor = sentencepiece.SentencePieceProcessor(model_proto=vocabulary)
    rows = make_prompts.rows()
    prompts = [token_ids(row, processor) for row in rows]
    for seed in range(9000, 9100):  # until every greedy choice is clear, and continuations do not repeat one token
        weights = random_weights(seed)
        model = in_memory(weights)
        continued = [greedy(model, ids) for ids in prompts]
        if min(m for _, m in continued) > GREEDY_MARGIN and min(len(set(new)) for new, _ in continued) >= NEW_TOKENS // 2:
            break
    else:
        raise RuntimeError("no seed gives clear choices")

    model, info = MistralForCausalLM.from_pretrained(
        write_model(weights, vocabulary), dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    assert not any(info.values()), info
    assert model.config.sliding_window == WINDOW and model.config.rope_parameters["rope_theta"] == 10000.0
    continued = [greedy(model.eval(), ids) for ids in prompts]
    margin = min(m for _, m in continued)
    assert margin > GREEDY_MARGIN
    write_json(
        FOLDER / "golden.json",
        dict(checkpoint=FOLDER.name, torch=torch.__version__.split("+")[0], transformers=transformers.__version__,
             sentencepiece=sentencepiece.__version__, seed=seed, min_greedy_margin=margin, answers=ANSWERS),
        dict(prompts=[dict(id=row["id"], token_ids=ids, **measure(model, ids), greedy_ids=new)
                      for row, ids, (new, _) in zip(rows, prompts, continued)]))
    print(f"{FOLDER.name}: seed {seed}, greedy margin {margin:.1e}")


if __name__ == "__main__":
    main()
