#!/usr/bin/env python3
"""Trains the small tokenizers of tokenizers/ and writes what Hugging Face's `tokenizers` makes of the strings there.

    python3 make_tokenizers.py        (with tokenizers 0.23 installed; the text is Python's own library)

Each has the normalizer, the split pattern and the decoder of a family of models, and a vocabulary of a few hundred.
strings.json holds the texts; NAME/ids.jsonl for each text the ids with special tokens taken for tokens (`parse`), for
text (`text`), with what the post-processor adds (`plain`), and the text of the first (`decoded`).
"""
import json
import random
import sys
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "input" / "differential"))
from tokenizer_strings import WORDS, strings  # noqa: E402

NUM_STRINGS = 160
QWEN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+")
LLAMA3 = QWEN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = ("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
            "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+")


def corpus():
    rng = random.Random(1)
    lines = []
    for path in sorted(Path(random.__file__).parent.glob("[a-d]*.py")):
        lines += path.read_text(errors="ignore").splitlines(keepends=True)
    lines = rng.sample(lines, 3000)
    return lines + [" ".join(rng.choices(WORDS, k=12)) for _ in range(300)]


def split(pattern, behaviour="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern) if isinstance(pattern, str) else pattern[0], behaviour, invert)


def byte_level(**arguments):
    return pre_tokenizers.ByteLevel(**{"add_prefix_space": False, "use_regex": False, **arguments})


def train(pre_tokenizer, special, normalizer=None, size=560, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    is_byte_level = "ByteLevel" in str(pre_tokenizer)
    alphabet = {"initial_alphabet": pre_tokenizers.ByteLevel.alphabet()} if is_byte_level else {"limit_alphabet": 90}
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, special_tokens=special, **alphabet)
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def plain(text):
    return AddedToken(text, special=False, normalized=False)


def qwen3():
    tokenizer = train(pre_tokenizers.Sequence([split(QWEN), byte_level()]), [], normalizers.NFC())
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens([plain("<tool_call>"), plain("</tool_call>"), plain("<think>"), plain("</think>")])
    return tokenizer


def olmoe():
    tokenizer = train(byte_level(use_regex=True), ["|||IP_ADDRESS|||", "<|padding|>"], normalizers.NFC())
    tokenizer.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B")
    tokenizer.add_tokens([AddedToken(" " * n, normalized=True, special=False) for n in range(9, 1, -1)])
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return tokenizer


def llama3():
    tokenizer = train(pre_tokenizers.Sequence([split(LLAMA3), byte_level()]), [], ignore_merges=True)
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|eot_id|>"])
    template = processors.TemplateProcessing(
        single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
        special_tokens=[("<|begin_of_text|>", tokenizer.token_to_id("<|begin_of_text|>"))])
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    return tokenizer


def gpt_oss():
    tokenizer = train(pre_tokenizers.Sequence([split(O200K), byte_level()]), [])
    tokenizer.add_special_tokens(["<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|return|>"])
    return tokenizer


def deepseek():
    cjk = "[一-龥぀-ゟ゠-ヿ]+"
    tokenizer = train(pre_tokenizers.Sequence([split(r"\p{N}{1,3}"), split(cjk), split(DEEPSEEK), byte_level()]), [],
                      normalizers.Sequence([]))
    tokenizer.add_special_tokens(["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"])
    tokenizer.add_tokens([AddedToken("<｜fim▁hole｜>", normalized=True, special=False)])
    return tokenizer


def deepseek_moe():
    parts = [split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split("[一-龥ࠀ-一가-퟿]+"),
             pre_tokenizers.Digits(individual_digits=True), byte_level()]
    tokenizer = train(pre_tokenizers.Sequence(parts), [])
    tokenizer.add_special_tokens([AddedToken("<|EOT|>", normalized=True)])
    tokenizer.post_processor = processors.RobertaProcessing(("<|EOT|>", tokenizer.token_to_id("<|EOT|>")), ("a", 65))
    return tokenizer


def sentencepiece(normalizer, pre_tokenizer, decoder, **model):
    """Trained on words, used on whole texts; with the 256 byte tokens behind <unk>, <s> and </s>."""
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    tokenizer = train(pre_tokenizers.Metaspace(), special, size=700, unk_token="<unk>", byte_fallback=True, **model)
    content = json.loads(tokenizer.to_str())
    content["added_tokens"] = content["added_tokens"][:3]
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = normalizer, pre_tokenizer, decoder
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1",
                                                             special_tokens=[("<s>", 1)])
    return tokenizer


def mixtral():
    decoder = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    return sentencepiece(normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None,
                         decoders.Sequence(decoder), fuse_unk=True)


def metaspace_first():
    tokenizer = sentencepiece(None, pre_tokenizers.Metaspace(prepend_scheme="first", split=True),
                              decoders.Metaspace(prepend_scheme="first"))
    tokenizer.add_tokens([AddedToken("[B]", lstrip=True, special=False), AddedToken("[A]", rstrip=True, special=True)])
    return tokenizer


def odd():
    """No bytes to fall back to, every behaviour of Split, added tokens of every kind, a normalizer before them."""
    tokenizer = train(pre_tokenizers.Sequence([
        split(r"\d", "merged_with_previous"), split("[.,;]", "merged_with_next"), split(r"[^\S\n]{2,}", "removed"),
        split("[A-Z]+", "contiguous"), split(["-"], "isolated"), split(r"[^=]++(?=[=])|\z", "isolated", True),
        pre_tokenizers.Digits(individual_digits=False)]), ["[UNK]"], unk_token="[UNK]")
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex("[aeiou]{2}"), "o")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("e", "E"), decoders.Fuse()])
    tokenizer.add_tokens([AddedToken("word", single_word=True, normalized=True, special=False),
                          AddedToken("tied", normalized=True, special=False),
                          AddedToken("the", single_word=True, normalized=False, special=False)])
    tokenizer.add_special_tokens([AddedToken("[CLS]", lstrip=True, rstrip=True), AddedToken("[CLS]x", normalized=True)])
    return tokenizer


def main():
    families = [qwen3, olmoe, llama3, gpt_oss, deepseek, deepseek_moe, mixtral, metaspace_first, odd]
    made = {family.__name__: family() for family in families}
    special = sorted({t.content for tokenizer in made.values() for t in tokenizer.get_added_tokens_decoder().values()})
    texts = [t for t in strings(2000, special) if len(t) <= 70]
    texts = texts[:60] + random.Random(2).sample(texts[60:], NUM_STRINGS - 60)
    folder = HERE / "tokenizers"
    folder.mkdir(exist_ok=True)
    (folder / "strings.json").write_text(json.dumps(texts, ensure_ascii=True, indent=0) + "\n")
    for name, tokenizer in made.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "tokenizer.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False,
                                                                 separators=(",", ":")) + "\n")
        lines = []
        for text in texts:
            parse = tokenizer.encode(text, add_special_tokens=False).ids
            whole = tokenizer.encode(text).ids
            tokenizer.encode_special_tokens = True
            as_text = tokenizer.encode(text, add_special_tokens=False).ids
            tokenizer.encode_special_tokens = False
            line = {"parse": parse, "decoded": tokenizer.decode(parse)}
            line |= {"text": as_text} if as_text != parse else {}
            line |= {"plain": whole} if whole != parse else {}
            lines.append(json.dumps(line, separators=(",", ":")) + "\n")
        (folder / name / "ids.jsonl").write_text("".join(lines))


main()
