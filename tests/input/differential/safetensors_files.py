"""Safetensors files, good and bad, made from a seed: well-formed ones with up to three things done to them, to the
values of the header, to its bytes, or to the file around it. Only the standard library."""
import random
import struct

BITS = {"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
        "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64,
        "U64": 64, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8}
COMMON = ["F32", "BF16", "F16", "U8", "I64"]
ODD_NUMBERS = ["-1", "-0", "1.0", "1e2", "0.5", "true", "null", '"1"', "[1]", "{}", "01", "+1", "NaN",
               "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551615",
               "18446744073709551616", "99999999999999999999999999"]
ODD_NAMES = ['""', '"a"', '"__metadata__"', '"__metadata__ "', '"\\u0000"', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\x"',
             '"\t"', '"\u00e9"', '"a\\"b"', '"../x"', "a", "1", "null"]
ODD_TYPES = ['"f32"', '"F33"', '"F32 "', '"F\\u00332"', '""', "null", "32", '["F32"]', '{"F32":null}']
WHITE = ["", "", "", " ", "\n", "\t", "\r", "  \n", "\f", "\v", "\u00a0"]
INSERTS = [b"\0", b" ", b",", b":", b'"', b"\\", b"{", b"}", b"[", b"]", b"0", b"9", b"/*x*/", b"//x\n",
           b"\xff", b"\xc3\xa9", b"\xed\xa0\x80", b"\xef\xbb\xbf"]


class Entry:
    """One tensor; every part is the JSON text that will stand in the header."""

    def __init__(self, name, dtype, shape, begin, end):
        self.name, self.fields = name, [("dtype", dtype), ("shape", shape), ("data_offsets", [str(begin), str(end)])]
        self.as_list = False

    def text(self, white):
        parts = [("" if self.as_list else f'"{key}"{white()}:{white()}') +
                 (value if isinstance(value, str) else f"[{','.join(value)}]") for key, value in self.fields]
        left, right = "[]" if self.as_list else "{}"
        return f"{self.name}:{white()}{left}{','.join(parts)}{white()}{right}"


def file_of(seed):
    """The bytes of file number `seed`."""
    draw = random.Random(seed)
    entries, num_bytes = good_entries(draw)
    metadata = good_metadata(draw)
    strange_white = draw.random() < 0.02
    some_white = draw.random() < 0.3
    for _ in range(draw.choice([0, 0, 1, 1, 1, 2, 3])):
        if draw.random() < 0.75:
            metadata, num_bytes = change_values(draw, entries, metadata, num_bytes)

    def white():
        return draw.choice(WHITE if strange_white else WHITE[:8]) if some_white else ""

    parts = [entry.text(white) for entry in entries]
    if metadata:
        parts.insert(draw.randrange(len(parts) + 1), metadata)
    header = (white() + "{" + white() + ("," + white()).join(parts) + "}" + " " * draw.choice([0, 0, 1, 5])).encode()
    if draw.random() < 0.25:
        header = change_bytes(draw, header)
    length = len(header)
    if draw.random() < 0.04:
        length = draw.choice([0, length - 1, length + 1, 100_000_000, 100_000_001, 2**63, 2**64 - 1, 2**64 - 8])
    if draw.random() < 0.06:
        num_bytes = max(0, num_bytes + draw.choice([-8, -1, 1, 7, 64]))
    whole = struct.pack("<Q", max(0, length)) + header + draw.randbytes(min(num_bytes, 4096))
    if draw.random() < 0.02:
        whole = whole[:draw.randrange(len(whole) + 1)]
    return whole


def good_entries(draw):
    entries, position = [], 0
    for i in range(draw.choice([0, 1, 1, 2, 3, 5])):
        dtype = draw.choice(COMMON if draw.random() < 0.7 else list(BITS))
        shape = [draw.choice([0, 1, 1, 2, 3, 4, 8]) for _ in range(draw.choice([0, 1, 1, 2, 2, 3, 4]))]
        bits = BITS[dtype]
        for size in shape:
            bits *= size
        size = bits // 8  # of a part of a byte: both must refuse it
        name = f'"{"abcdef"[i]}.weight"'
        entries.append(Entry(name, f'"{dtype}"', [str(s) for s in shape], position, position + size))
        position += size
    draw.shuffle(entries)
    return entries, position


def good_metadata(draw):
    pairs = [f'"k{i}":"{draw.choice(["v", "", "pt"])}"' for i in range(draw.choice([0, 1, 2]))]
    return '"__metadata__":{' + ",".join(pairs) + "}" if draw.random() < 0.4 else ""


def change_values(draw, entries, metadata, num_bytes):
    """One change of what the header says; returns the metadata and the size of the data."""
    kind = draw.randrange(13)
    if kind == 0:
        value = draw.choice(['"v"', "1", "null", "true", "[]", "{}", '"\\u00e9"'])
        return draw.choice([f'"__metadata__":{value}', f'"__metadata__":{{"k":{value}}}',
                            f'"__metadata__":{{"k":"a","k":{value}}}',
                            f'"__metadata__":{{}},"__metadata__":{{"k":{value}}}',
                            f'"__metadata__":{{"n":{{"k":{value}}}}}']), num_bytes
    if not entries:
        return metadata, num_bytes
    entry = draw.choice(entries)
    fields = dict(entry.fields)
    if kind == 1:
        entry.name = draw.choice(ODD_NAMES)
    elif kind == 2:
        set_field(entry, "dtype", draw.choice(ODD_TYPES + [f'"{t}"' for t in BITS]))
    elif kind in (3, 4) and isinstance(fields.get("shape"), list):
        shape = list(fields["shape"])
        change = draw.randrange(4)
        if change == 0 and shape:
            shape[draw.randrange(len(shape))] = draw.choice(ODD_NUMBERS)
        elif change == 1:
            shape.insert(draw.randrange(len(shape) + 1), draw.choice(["0", "1", "1", "2", draw.choice(ODD_NUMBERS)]))
        elif change == 2 and shape:
            shape.pop(draw.randrange(len(shape)))
        else:
            shape += ["1"] * draw.choice([1, 10, 60, 70])
        set_field(entry, "shape", shape)
    elif kind in (5, 6) and isinstance(fields.get("data_offsets"), list):
        offsets = list(fields["data_offsets"])
        change = draw.randrange(5)
        at = draw.randrange(len(offsets))
        if change == 0:
            offsets[at] = draw.choice(ODD_NUMBERS)
        elif change == 1:
            offsets.reverse()
        elif change == 2:
            offsets.pop()
        elif change == 3:
            offsets.append("0")
        elif offsets[at].isdigit():
            offsets[at] = str(max(0, int(offsets[at]) + draw.choice([-4, -1, 1, 4])))
        set_field(entry, "data_offsets", offsets or ["0"])
    elif kind == 7:
        if entry.fields:
            entry.fields.pop(draw.randrange(len(entry.fields)))
    elif kind == 8:
        entry.fields.append(draw.choice([("extra", "1"), ("dtype", '"F32"'), ("shape", ["1"]), ("Dtype", '"F32"'),
                                         ("extra", "[" * 5 + "]" * 5), ("", "null")]))
    elif kind == 9:
        draw.shuffle(entry.fields)
    elif kind == 10:
        entries.append(draw.choice(entries))
    elif kind == 11:
        entry.as_list = True
    else:
        num_bytes = shift_all(entries, entry, draw.choice([1, 4, 8]), num_bytes)
    return metadata, num_bytes


def set_field(entry, name, value):
    entry.fields = [(key, value if key == name else old) for key, old in entry.fields]


def shift_all(entries, first, by, num_bytes):
    """A hole before `first`: all that lies behind it moves, and the file grows by as much."""
    begin = dict(first.fields).get("data_offsets")
    if not isinstance(begin, list) or not begin[0].isdigit():
        return num_bytes
    for entry in entries:
        offsets = dict(entry.fields).get("data_offsets")
        if isinstance(offsets, list) and all(o.isdigit() for o in offsets) and int(offsets[0]) >= int(begin[0]):
            if int(offsets[-1]) < 2**62:
                set_field(entry, "data_offsets", [str(int(o) + by) for o in offsets])
    return num_bytes + by


def change_bytes(draw, header):
    at = draw.randrange(len(header) + 1)
    kind = draw.randrange(4)
    if kind == 0:
        return header[:at] + draw.choice(INSERTS) + header[at:]
    if kind == 1:
        return header[:at] + header[at + draw.choice([1, 1, 2, 5]):]
    if kind == 2 and at < len(header):
        return header[:at] + bytes([header[at] ^ (1 << draw.randrange(8))]) + header[at + 1:]
    return draw.choice([b"\xef\xbb\xbf" + header, header + b"\0", header + b"x", header + b"{}", b"\n" + header,
                        header + b"\n", b"", b"[]", b"null", b"{", b'{"a":' * 200 + b"1" + b"}" * 200])
