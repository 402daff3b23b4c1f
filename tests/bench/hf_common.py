"""What the Hugging Face timings share: loading, prompts, suppressed experts, the stopwatch."""

import argparse
import contextlib
import itertools
import json
import math
import statistics
import time
import types

import torch
import torch.nn.functional as F
import transformers
from transformers import MixtralForCausalLM


def arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("checkpoint", help="folder of a Mixtral checkpoint")
    parser.add_argument("prompts", help="JSONL: a list of token ids per line, or an object with token_ids")
    parser.add_argument("--limit", type=int, help="first prompts only")
    parser.add_argument("--experts", nargs="+", default=["eager", "grouped_mm"], help="experts implementations of transformers")
    parser.add_argument("--attention", default="sdpa", help="attention implementation of transformers")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--random-weights", action="store_true", help="of the shape in config.json, made on the device")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3, help="timed runs after one to warm up; the median counts")
    return parser


def parse(parser):
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return args


def read_prompts(path, limit):
    with open(path) as file:
        rows = [json.loads(line) for line in itertools.islice((line for line in file if line.strip()), limit)]
    return [row["token_ids"] if isinstance(row, dict) else row for row in rows]


def load(args, experts):
    how = dict(dtype=getattr(torch, args.dtype), attn_implementation=args.attention, experts_implementation=experts)
    if args.random_weights:
        config = transformers.AutoConfig.from_pretrained(args.checkpoint)
        with torch.device(args.device):
            model = MixtralForCausalLM._from_config(config, **how)
    else:
        model = MixtralForCausalLM.from_pretrained(args.checkpoint, **how)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model.eval().to(args.device)


def routers(model):
    return [layer.mlp.gate for layer in model.model.layers]


@contextlib.contextmanager
def suppressed(model, experts):
    """Router logits of the (layer, expert) pairs are -inf before the softmax. No pairs: the model as it is."""

    def forward(self, hidden):
        logits = F.linear(hidden.reshape(-1, self.hidden_dim), self.weight) + self.suppression
        top, chosen = torch.topk(torch.softmax(logits.float(), dim=-1), self.top_k, dim=-1)
        return logits, top / top.sum(dim=-1, keepdim=True), chosen

    patched = routers(model) if experts else []
    for layer, router in enumerate(patched):
        router.suppression = torch.zeros_like(router.weight[:, 0])
        router.suppression[[e for at, e in experts if at == layer]] = -math.inf
        router.forward = types.MethodType(forward, router)
    try:
        yield
    finally:
        for router in patched:
            del router.forward, router.suppression


def timed(work, runs, device):
    """The result of work() and the seconds of each run after a first one that is not counted."""
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        result = work()
        if device != "cpu":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return result, seconds[1:]


def report(args, seconds, counts, **setting):
    """One line of JSON: the setting, the seconds, and each of `counts` per second of the median run."""
    median = statistics.median(seconds)
    rates = {f"{name}_per_second": round(number / median, 2) for name, number in counts.items()}
    print(json.dumps(dict(
        setting, dtype=args.dtype, device=args.device, threads=args.threads, attention=args.attention, **counts,
        seconds=round(median, 4), all_seconds=[round(s, 4) for s in seconds], **rates)), flush=True)
