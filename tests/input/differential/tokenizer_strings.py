"""Strings on which tokenizers may differ, the same in every run: all planes of Unicode, marks, blanks, numbers, code."""
import random
import unicodedata
from pathlib import Path

WORDS = ("the of and to in is you that it he was for on are as with his they I at be this have from or one had by word "
         "don't can't we'll I'm they've WON'T it'S river Äpfel naïve façade Straße Ελληνικά русский язык 日本語 図書館 "
         "한국어 العربية עברית हिन्दी ไทย ภาษา tiếng Việt Türkçe İstanbul ǅungla ﬁne ½ ² ④ 12 1234567890 3.14159 "
         "0x7fff 1e-9 www.example.org <b> </b> {} [] () :: -> => != /* */ // # $x @y _z camelCase snake_case "
         "👩‍👩‍👧 🇩🇪 é é ñ ﷺ … — “quoted” ’s ſ K ª ꟼ 𝔘𝔫𝔦 𐍈 \u200b \u00ad \ufeff ").split(" ")
BLANKS = [" ", "  ", "   ", "\n", "\r\n", "\n\n", "\t", " \n ", "\r", "\u00a0", "\u3000", "\u2028", "\x85", "\v", "        ",
          " \t ", "\n \n  \n", "\u180e", "\u2003", "\u1680"]
MARKS = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) in ("Mn", "Mc", "Me")]
ASSIGNED = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in ("Cs", "Cn", "Co")]
COMPOSED = [c for c in ASSIGNED if unicodedata.decomposition(c)]


def points(rng):
    kind = rng.randrange(6)
    if kind == 0:  # any plane, assigned or not
        while True:
            c = rng.randrange(0x110000)
            if not 0xD800 <= c < 0xE000:
                return chr(c)
    if kind == 1:
        return rng.choice(ASSIGNED)
    if kind == 2:
        return rng.choice("aeiouAEIOUnNcC가각각") + "".join(rng.choice(MARKS) for _ in range(rng.randrange(4)))
    if kind == 3:
        return rng.choice(COMPOSED)
    return chr(rng.randrange(0x20, 0x7F) if kind == 4 else rng.randrange(0x3000))


def one(rng, special):
    kind = rng.randrange(8)
    if kind == 0:
        return "".join(points(rng) for _ in range(rng.randrange(1, 24)))
    if kind == 1:
        return "".join(rng.choice(BLANKS) if rng.random() < 0.5 else points(rng) for _ in range(rng.randrange(1, 20)))
    if kind == 2:
        return "".join(rng.choice(WORDS) + rng.choice(BLANKS) for _ in range(rng.randrange(1, 20)))
    if kind == 3:
        return " ".join(str(rng.randrange(10 ** rng.randrange(1, 15))) + rng.choice(["", ".", ",", "%", "€", "½"])
                        for _ in range(rng.randrange(1, 8)))
    if kind == 4 and special:
        return "".join(rng.choice(special) if rng.random() < 0.4 else rng.choice(WORDS + BLANKS + ["<", "<|", "|>", "▁"])
                       for _ in range(rng.randrange(1, 14)))
    if kind == 5:
        return "".join(rng.choice("'’ſsStTrReEvVmMlLdD nN\n!?.▁_ ") for _ in range(rng.randrange(1, 30)))
    if kind == 6:
        return rng.choice(WORDS) * rng.randrange(1, 60)
    return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 40)))


def strings(count, special=(), seed=20):
    rng = random.Random(seed)
    special = list(special)
    out = ["", " ", "\n", "▁", "▁▁a", " ▁ "] + special[:40] + [" " + s + " x" for s in special[:40]]
    lines = []
    for path in sorted(Path(random.__file__).parent.glob("[a-f]*.py")):  # code and prose of Python's own library
        lines += path.read_text(errors="ignore").splitlines(keepends=True)
    while len(out) < count:
        if rng.random() < 0.12:
            at = rng.randrange(len(lines))
            out.append("".join(lines[at:at + rng.randrange(1, 12)]))
        else:
            out.append(one(rng, special))
    return out[:count]


def every_point():
    """Every code point among its neighbours and in words, and 100,000 sequences of combining marks."""
    rng = random.Random(5)
    points = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    marks = [c for c in points if unicodedata.combining(c)]
    sequences = [rng.choice("aeEo") + "".join(rng.choices(marks, k=rng.randrange(1, 5))) for _ in range(100_000)]
    return (["".join(points[i:i + 64]) for i in range(0, len(points), 64)]
            + [" ".join(f"a{c}1{c}'{c}." for c in points[i:i + 32]) for i in range(0, len(points), 32)]
            + [" ".join(sequences[i:i + 20]) for i in range(0, len(sequences), 20)])
