#!/usr/bin/env python3
"""Makes what score providers measure, beside the goldens of some checkpoints. See README.md.

Experts' outputs are computed from their weights and the router's input, and checked against the block's own output; the
margin's gradient is taken at the router's logits, and checked against the gate's.
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
import transformers

import reference

HERE = pathlib.Path(__file__).parent
CHECKPOINTS = ["hub-bf16", "fused-f16", "olmoe-bf16", "qwen2-moe-f16", "qwen2-dense-bf16", "qwen3-moe-bf16"]
# First tokens of openings, any will do.
REFUSALS, COMPLIANCES = [17, 5], [300, 41, 9]


def expert_output(experts, e, x):
    gate, up = F.linear(x, experts.gate_up_proj[e]).chunk(2, dim=-1)
    return F.linear(F.silu(gate) * up, experts.down_proj[e])


def measure(model, ids):
    """Gate mass, weighted lengths of outputs, margin gradient: [L,E] each."""
    blocks = [layer.mlp for layer in model.model.layers if hasattr(layer.mlp, "gate")]
    routed, mixed, hooks = [], [], []

    def keep_routing(_, inputs, output):
        output[0].retain_grad()
        routed.append((inputs[0].reshape(-1, inputs[0].shape[-1]), *output))

    for block in blocks:
        hooks.append(block.gate.register_forward_hook(keep_routing))
        hooks.append(block.experts.register_forward_hook(lambda _, inputs, output: mixed.append(output)))
    logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].float()
    for hook in hooks:
        hook.remove()
    log_p = torch.log_softmax(logits, dim=-1)
    margin = torch.logsumexp(log_p[REFUSALS], 0) - torch.logsumexp(log_p[COMPLIANCES], 0)
    model.zero_grad()
    margin.backward()
    mass, norm, gradient = [], [], []
    for block, (x, z, weights, chosen), output in zip(blocks, routed, mixed):
        of_layer = torch.zeros(2, z.shape[1], dtype=torch.float64)
        again = torch.zeros_like(x)
        with torch.no_grad():
            for e in range(z.shape[1]):
                token, slot = torch.where(chosen == e)
                f, w = expert_output(block.experts, e, x[token]), weights[token, slot]
                of_layer[0, e] = w.double().sum()
                of_layer[1, e] = (w.double() * f.double().norm(dim=-1)).sum()
                again.index_add_(0, token, f * w[:, None])
            assert torch.allclose(again, output.reshape(again.shape), rtol=1e-4, atol=1e-6)
            assert torch.allclose(z.grad.T.double() @ x.double(), block.gate.weight.grad.double(), rtol=1e-3, atol=1e-7)
        mass.append(of_layer[0])
        norm.append(of_layer[1])
        gradient.append(z.grad.double().sum(dim=0))
    return [torch.stack(m).numpy() for m in (mass, norm, gradient)]


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in CHECKPOINTS:
        folder = HERE / name
        prompts = [row["token_ids"] for row in json.loads((folder / "golden.json").read_text())["prompts"]]
        model = reference.load(folder / "model", torch.float32)
        rows = [measure(model, ids) for ids in prompts]
        for i, word in enumerate(["gate_mass", "output_norm", "margin_gradient"]):
            np.save(folder / f"{word}.npy", np.stack([maps[i] for maps in rows]))
        (folder / "measures.json").write_text(json.dumps(dict(refusals=REFUSALS, compliances=COMPLIANCES)) + "\n")
        print(name, "largest margin gradient", max(np.abs(maps[2]).max() for maps in rows))


if __name__ == "__main__":
    main()
