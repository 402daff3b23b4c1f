#!/usr/bin/env python3
"""Seed inputs of the fuzz targets, made from tests/golden. Usage: seeds.py OUT"""
import json
import pathlib
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden"


def main(out: pathlib.Path) -> None:
    def seed(target: str, name: str, data: bytes) -> None:
        (out / target).mkdir(parents=True, exist_ok=True)
        (out / target / name).write_bytes(data)

    models = sorted(GOLDEN.glob("*/model"))
    for model in models:
        name = model.parent.name
        for shard in sorted(model.glob("*.safetensors")):
            header = read_header(shard)
            for count in (1, 3):
                seed("safetensors", f"{shard.stem}-{name}-{count}", first_tensors(header, count))
        seed("config", name, (model / "config.json").read_bytes())
        seed("tokenizer", name, (model / "tokenizer.model").read_bytes())
        seed("tokenizer_json", name, (model / "tokenizer.model").read_bytes())
        seed("chat_template", name, chat_template(model))
        for array in sorted(model.parent.glob("*.npy")):
            data = array.read_bytes()
            size = 10 + struct.unpack("<H", data[8:10])[0]
            seed("npy", f"{name}-{array.stem}", struct.pack("<I", len(data) - size) + data[:size])
    for folder in sorted((GOLDEN / "tokenizers").glob("*/")):
        seed("tokenizer_json", folder.name, few_tokens(json.loads((folder / "tokenizer.json").read_text())))
    places = {"x": "a.safetensors", "y": "b.safetensors", "z": "b.safetensors"}
    for metadata in ({}, {"metadata": {"total_size": 12}}):
        seed("index", f"index-{len(metadata)}", json.dumps({**metadata, "weight_map": places}).encode())
    for job in sorted((ROOT / "jobs").glob("**/*.toml")):
        seed("job", job.stem, with_paths_that_exist(job.read_text()).encode())
    seed("job", "all", ALL_KEYS.encode())
    prompts = (GOLDEN / "prompts.jsonl").read_text().splitlines()
    seed("prompts_jsonl", "lines", "\n".join(prompts[:3]).encode() + b"\n")
    rows = [{"prompt": "a", "id": "1"}, {"messages": [{"role": "user", "content": "\u00e9"}]}, {"token_ids": [1, 5]}]
    seed("prompts_jsonl", "list", json.dumps(rows).encode())
    seed("prompts_csv", "quoted", b'id,prompt\r\n1,"two, ""quoted""\nlines"\r\n2,\xc3\xa9\r\n')
    seed("prompts_csv", "behavior", b"Behavior,ContextString,Tags\na,b,x\nc,,\n")
    seed("csv", "table", b'signal,layer,mean\nactivation,0,0.25\n"a ""b"", c",1,nan\n')
    seed("manifest", "small", MANIFEST.encode())
    seed("record_log", "edits", b"!" + bytes([0, 200, 0, 0, 1, 1, 50, 1, 0, 0]))
    seed("record_log", "header", b"GSRECLOG" + struct.pack("<II", 1, 80) + bytes(64))


def few_tokens(tokenizer: dict) -> bytes:
    """The same kind of tokenizer with the first of its tokens, so that a small input holds all parts."""
    model = tokenizer["model"]
    model["vocab"] = {token: i for token, i in model["vocab"].items() if i < 60}
    merges = [m if isinstance(m, list) else m.split(" ") for m in model["merges"]]
    model["merges"] = [m for m in merges if all(t in model["vocab"] for t in (*m, "".join(m)))]
    for i, token in enumerate(t for t in tokenizer["added_tokens"] if t["content"] not in model["vocab"]):
        token["id"] = len(model["vocab"]) + i
    return json.dumps(tokenizer, ensure_ascii=False).encode()


def read_header(shard: pathlib.Path) -> dict:
    with shard.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(size))


def first_tensors(header: dict, count: int) -> bytes:
    tensors = sorted((v["data_offsets"], k, v) for k, v in header.items() if k != "__metadata__")[:count]
    chosen = {"__metadata__": {"format": "pt"}, **{k: v for _, k, v in tensors}}
    return struct.pack("<I", tensors[-1][0][1]) + json.dumps(chosen).encode()


def chat_template(model: pathlib.Path) -> bytes:
    file = model / "chat_template.jinja"
    if file.exists():
        return file.read_bytes()
    template = json.loads((model / "tokenizer_config.json").read_text())["chat_template"]
    return (template if isinstance(template, str) else template[0]["template"]).encode()


def with_paths_that_exist(job: str) -> str:
    lines = []
    for line in job.splitlines():
        key = line.split("=")[0].strip()
        if key == "path":
            line = 'path = "/"'
        elif key in ("file", "mark", "phrases"):
            line = f'{key} = "/proc/self/exe"'
        lines.append(line)
    return "\n".join(lines) + "\n"


ALL_KEYS = """[model]
path = "/"
dtype = "bfloat16"
tokenization = "huggingface"
special_in_text = "parse"
[parallel]
expert_parallel = 2
device = "cpu"
threads = 1
[[prompts]]
group = "benign"
file = "/proc/self/exe"
column = "prompt"
where = { kind = "x" }
limit = 5
template = "raw"
[[prompts]]
group = "harmful"
file = "/proc/self/exe"
[signals]
batch_tokens = 64
memory = "2 GiB"
[analysis]
benign = "benign"
malicious = "harmful"
coverage = [0.5, 0.9]
top = 3
[analysis.activation]
gap = 0.05
min = 0.08
[report]
title = "t"
"""

MANIFEST = json.dumps({
    "schema_version": 1, "tool": "gatesweep", "version": "0.1.0", "build": "b", "versions": {"mpi": "4.1"},
    "host": "h", "command": ["gatesweep", "run"], "job": "[model]\n", "job_digest": "j", "prompts_digest": "p",
    "weights_digest": "w", "numerics_id": "n",
    "layout": {"ranks": 1, "copies": 1, "expert_parallel": 1, "threads": 1, "device": "cpu", "dtype": "float32"},
    "attempts": [{"started": "2026-11-03T09:30:00Z", "finished": "", "host": "h", "ranks": 1, "outcome": ""}],
    "files": {"tables/a.csv": "a" * 64}, "started": "2026-11-03T09:30:00Z", "finished": "2026-11-03T09:50:00Z"})

if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
