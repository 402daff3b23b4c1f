#!/usr/bin/env python3
"""Makes small adapters beside some golden checkpoints, and what the models compute with them. See README.md.

The numbers are those of the model with W + scale B A in place of its weights, computed here; PEFT must load the files,
in every naming, and come to the same losses.
"""

import json
import pathlib
import shutil
import sys
import warnings

import peft
import torch
import transformers
from safetensors.torch import save_file

import checkpoints
import reference

HERE = pathlib.Path(__file__).parent
# How the experts of each are named in files that PEFT can load into transformers 5.
CHECKPOINTS = {"hub-bf16": ["per-expert", "fused"], "fused-f16": ["per-expert", "fused"],
               "olmoe-bf16": ["per-expert", "fused"], "qwen3-moe-bf16": ["per-expert", "fused"],
               "deepseek-v2-lite-f32": ["per-expert", "fused"], "phimoe-bf16": ["fused"], "gpt-oss-f32": ["fused"],
               "gpt-oss-mxfp4": ["fused"]}
RANK, ALPHA = 2, 3
MARGIN = 1e-4  # of every router choice, as in the goldens
PREFIX = "base_model.model."
EXPERT_MATRICES, ATTENTION = ["w1", "w2", "w3"], ["q_proj", "k_proj", "v_proj", "o_proj"]


def shape(c, model, layer, matrix):
    """[out, in]"""
    if matrix in ATTENTION:
        return tuple(getattr(model.model.layers[layer].self_attn, matrix).weight.shape)
    return (c.hidden, c.ffn) if matrix == "w2" else (c.ffn, c.hidden)


def random_pairs(c, model, seed):
    """(layer, expert, matrix) -> (A, B); expert -1: attention. Two whole experts, part of a third, some of attention."""
    g, first, last = torch.Generator().manual_seed(seed), c.sparse_layers[0], c.sparse_layers[-1]
    places = [(last, e, m) for e in (1, c.experts - 1) for m in EXPERT_MATRICES]
    places += [(first, 0, "w1"), (first, 0, "w2"), (0, -1, "q_proj"), (0, -1, "o_proj"), (c.layers - 1, -1, "o_proj")]
    if not c.family.latent:
        places += [(0, -1, "k_proj"), (c.layers - 1, -1, "v_proj")]
    pairs = {}
    for place in places:
        out, width = shape(c, model, place[0], place[2])
        pairs[place] = (checkpoints.normal(g, RANK, width, scale=width**-0.5), checkpoints.normal(g, out, RANK, scale=0.5))
    return pairs


def rows(c, matrix):
    """Of w1 and w3 in gate_up_proj."""
    if c.family.model_type == "gpt_oss":
        return slice("w1w3".index(matrix) // 2, None, 2)
    return slice(0, c.ffn) if matrix == "w1" else slice(c.ffn, None)


@torch.no_grad()
def add(c, model, pairs):
    for (layer, expert, matrix), (a, b) in pairs.items():
        delta = ALPHA / RANK * (b.double() @ a.double())
        if expert < 0:
            weight = getattr(model.model.layers[layer].self_attn, matrix).weight
        else:
            experts = model.model.layers[layer].mlp.experts
            weight = (experts.down_proj if matrix == "w2" else experts.gate_up_proj)[expert]
            if c.family.model_type == "gpt_oss":
                weight = weight.T
            if matrix != "w2":
                weight = weight[rows(c, matrix)]
        weight.copy_((weight.double() + delta).float())


def padded(pairs, place, rank, out, width):
    a, b = torch.zeros(rank, width), torch.zeros(out, rank)
    if place in pairs:
        a[:RANK], b[:, :RANK] = pairs[place]
    return a, b


def attention_tensors(c, model, pairs, rank):
    tensors, names = {}, []
    for layer, expert, matrix in sorted(pairs, key=lambda p: (p[0], (EXPERT_MATRICES + ATTENTION).index(p[2]))):
        if expert < 0:
            names.append(f"model.layers.{layer}.self_attn.{matrix}")
            halves = padded(pairs, (layer, expert, matrix), rank, *shape(c, model, layer, matrix))
            tensors.update(zip((f"{PREFIX}{names[-1]}.lora_{h}.weight" for h in "AB"), halves))
    return tensors, names


def expert_layers(pairs):
    return sorted({layer for layer, expert, _ in pairs if expert >= 0})


def per_expert(c, model, pairs):
    """All experts of a layer that has any: PEFT stacks them. -> tensors, what the configuration says of targets"""
    is_mixtral = c.family.model_type in ("mixtral", "phimoe")
    block = "block_sparse_moe" if is_mixtral else "mlp"
    words = dict(zip(EXPERT_MATRICES, EXPERT_MATRICES if is_mixtral else ["gate_proj", "down_proj", "up_proj"]))
    tensors, names = attention_tensors(c, model, pairs, RANK)
    for layer in expert_layers(pairs):
        for expert in range(c.experts):
            for matrix in EXPERT_MATRICES:
                names.append(f"model.layers.{layer}.{block}.experts.{expert}.{words[matrix]}")
                halves = padded(pairs, (layer, expert, matrix), RANK, *shape(c, model, layer, matrix))
                tensors.update(zip((f"{PREFIX}{names[-1]}.lora_{h}.weight" for h in "AB"), halves))
    return tensors, config(RANK, ALPHA, names, None)


def fused(c, model, pairs):
    """A [E r, in], an expert's rows together; B [out, r E], a rank's columns together. Gate and up have ranks of their own."""
    rank = 2 * RANK
    tensors, names = attention_tensors(c, model, pairs, rank)
    targets = []
    for layer in expert_layers(pairs):
        a_in, b_in = torch.zeros(c.experts, rank, c.hidden), torch.zeros(2 * c.ffn, rank, c.experts)
        a_out, b_out = torch.zeros(c.experts, rank, c.ffn), torch.zeros(c.hidden, rank, c.experts)
        for expert in range(c.experts):
            for i, matrix in enumerate(["w1", "w3"]):
                a, b = padded(pairs, (layer, expert, matrix), RANK, c.ffn, c.hidden)
                ranks = slice(i * RANK, (i + 1) * RANK)
                a_in[expert, ranks] = a
                b_in[rows(c, matrix), ranks, expert] = b
            a_out[expert], b_out[:, :, expert] = padded(pairs, (layer, expert, "w2"), rank, c.hidden, c.ffn)
        experts = f"model.layers.{layer}.mlp.experts"
        for name, tensor in ((".base_layer.lora_A", a_in.flatten(0, 1)), (".base_layer.lora_B", b_in.flatten(1)),
                             (".lora_A", a_out.flatten(0, 1)), (".lora_B", b_out.flatten(1))):
            tensors[f"{PREFIX}{experts}{name}.weight"] = tensor.contiguous()
        targets += [experts + ".gate_up_proj", experts + ".down_proj"]
    return tensors, config(rank, 2 * ALPHA, names, targets)


def config(rank, alpha, modules, parameters):
    return dict(base_model_name_or_path=None, bias="none", fan_in_fan_out=False, inference_mode=True,
                init_lora_weights=True, lora_alpha=alpha, lora_dropout=0.0, modules_to_save=None, peft_type="LORA",
                peft_version="0.19.0", r=rank, target_modules=modules, target_parameters=parameters,
                task_type="CAUSAL_LM", use_dora=False, use_rslora=False)


def write(folder, tensors, fields):
    folder.mkdir(parents=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "adapter_model.safetensors",
              {"format": "pt"})
    (folder / "adapter_model.safetensors").chmod(0o644)
    (folder / "adapter_config.json").write_text(json.dumps(fields, indent=2) + "\n")


def losses(model, prompts):
    with torch.no_grad():
        return [model(input_ids=torch.tensor([ids]), labels=torch.tensor([ids]), use_cache=False).loss.item()
                for ids in prompts]


def loaded_by_peft(c, adapter):
    with warnings.catch_warnings():
        # Layers without adapted experts are missing where each expert has a name of its own: PEFT targets all layers.
        warnings.simplefilter("ignore" if adapter.name == "per-expert" else "error", UserWarning)
        model = reference.load(HERE / c.name / "model", torch.float32)
        return peft.PeftModel.from_pretrained(model, adapter).eval()


def largest(ours, theirs):
    return max(abs(x - y) / abs(x) for x, y in zip(ours, theirs))


def make(c, namings, number):
    folder = HERE / c.name / "adapter"
    shutil.rmtree(folder, ignore_errors=True)
    prompts = [row["token_ids"] for row in json.loads((HERE / c.name / "golden.json").read_text())["prompts"]]
    for attempt in range(100):
        model = reference.load(HERE / c.name / "model", torch.float32)
        plain = losses(model, prompts)
        pairs = random_pairs(c, model, 1000 * (number + 1) + attempt)
        add(c, model, pairs)
        measured = [reference.measure(model, ids) for ids in prompts]
        if min(m["margin"] for m in measured) > MARGIN:
            break
    else:
        raise RuntimeError(f"{c.name}: no adapter gives clear choices")
    expected = [m["loss"] for m in measured]
    for naming in namings:
        write(folder / naming, *(fused if naming == "fused" else per_expert)(c, model, pairs))
        torch.manual_seed(1)  # of what PEFT puts where the file has nothing
        adapted = loaded_by_peft(c, folder / naming)
        off = largest(expected, losses(adapted, prompts))
        assert off < 1e-6, (c.name, naming, off)
        print(f"{c.name}: PEFT's losses from {naming} differ by {off:.1e}; the adapter changes them by "
              f"{largest(plain, expected):.1e}")
        if c.name == "hub-bf16" and naming == "per-expert":  # as PEFT saves it again: fused, with patterns
            adapted.peft_config["default"].base_model_name_or_path = "model"
            adapted.save_pretrained(folder / "peft")
            (folder / "peft" / "README.md").unlink()
            (folder / "peft" / "adapter_model.safetensors").chmod(0o644)
        merged = losses(adapted.merge_and_unload(), prompts)
        assert largest(expected, merged) < 1e-6
    (folder / "adapter.json").write_text(json.dumps(dict(
        peft=peft.__version__, transformers=transformers.__version__, torch=torch.__version__.split("+")[0], rank=RANK,
        alpha=ALPHA, places=[list(place) for place in pairs], losses=expected,
        counts=[m["counts"].tolist() for m in measured])) + "\n")


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for number, c in enumerate(checkpoints.CHECKPOINTS):
        if c.name in CHECKPOINTS and c.name in (sys.argv[1:] or CHECKPOINTS):
            make(c, CHECKPOINTS[c.name], number)


if __name__ == "__main__":
    main()
