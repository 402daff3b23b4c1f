#!/usr/bin/env python3
"""Compares ids and texts with Hugging Face's libraries, which must be installed (tokenizers, transformers, sentencepiece).

    tokenizer_reference.py DRIVER [--count N] [--every-point] FOLDER...     DRIVER: build/tests/tokenizer_ids

A folder with tokenizer.json is read by `tokenizers` and, if it has a config, by transformers; one with tokenizer.model
by transformers. Compared: ids with special tokens taken for tokens and for text, tokenizer(text), decode of the ids and of random ids.
Prints for each folder how many strings differ, and the first that do; ends with 1 if any does.
"""
import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

from tokenizer_strings import every_point, strings


def ask(driver, folder, questions, *words):
    lines = "".join(json.dumps(q) + "\n" for q in questions)
    done = subprocess.run([driver, folder, *words], input=lines, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{folder}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.split("\n") if line]


class Reference:
    def __init__(self, folder):
        from transformers import AutoTokenizer
        self.whole = None
        if (folder / "tokenizer.json").exists():
            from tokenizers import Tokenizer
            self.backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
            if (folder / "tokenizer_config.json").exists() and (folder / "config.json").exists():
                self.whole = AutoTokenizer.from_pretrained(folder)
                self.backend = self.whole._tokenizer
        else:
            self.whole = AutoTokenizer.from_pretrained(folder)
            self.backend = self.whole._tokenizer

    def ids(self, text, parse):
        self.backend.encode_special_tokens = not parse
        ids = self.backend.encode(text, add_special_tokens=False).ids
        self.backend.encode_special_tokens = False
        return ids

    def plain(self, text):
        if self.whole is not None:
            return self.whole(text).input_ids
        return self.backend.encode(text).ids

    def decode(self, ids):
        if self.whole is not None:
            return self.whole.decode(ids, skip_special_tokens=True)
        return self.backend.decode(ids)

    def special(self):
        return [t.content for t in self.backend.get_added_tokens_decoder().values()]


def compare(driver, folder, count, every):
    reference = Reference(folder)
    texts = strings(count, reference.special()) + (every_point() if every else [])
    wrong = []

    def check(what, given, ours, theirs):
        if ours != theirs:
            wrong.append((what, given, ours, theirs))

    for parse in (True, False):
        for text, got in zip(texts, ask(driver, folder, [{"text": t} for t in texts], "parse" if parse else "text")):
            ids = reference.ids(text, parse)
            check("ids, parse" if parse else "ids, text", text, got["ids"], ids)
            check("decoded", text, got["decoded"], reference.decode(ids))
            if parse:
                check("plain", text, got["plain"], reference.plain(text))
    rng = random.Random(4)
    size = reference.backend.get_vocab_size()
    random_ids = [[rng.randrange(size) for _ in range(rng.randrange(1, 12))] for _ in range(count)]
    random_ids += [[i] for i in range(min(size, count))]
    for ids, got in zip(random_ids, ask(driver, folder, [{"ids": ids} for ids in random_ids])):
        check("random ids", ids, got["decoded"], reference.decode(ids))
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("driver")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--every-point", action="store_true", help="every code point too, and combining marks")
    arguments = parser.parse_args()
    any_wrong = False
    for folder in arguments.folders:
        wrong = compare(arguments.driver, folder, arguments.count, arguments.every_point)
        print(f"{folder.name}: {arguments.count} strings, {len({repr(w[1]) for w in wrong})} differ", flush=True)
        for what, given, ours, theirs in wrong[:5]:
            print(f"  {what}: {given!r}\n    ours   {ours!r}\n    theirs {theirs!r}")
        any_wrong = any_wrong or bool(wrong)
    sys.exit(any_wrong)


main()
