#!/usr/bin/env python3
"""Are generated safetensors files accepted and refused as by the reference library?

  safetensors_verdicts.py TOOL --reference [--files N] [--first SEED]    against the library (pip: safetensors)
  safetensors_verdicts.py TOOL --stored FILE                             against its verdicts as stored
  safetensors_verdicts.py TOOL --reference --files N --store FILE        stores them

TOOL is build/tests/safetensors_verdict. A file that only we refuse must be refused for one of the reasons in STRICTER;
one that only the reference refuses is a failure always."""
import argparse
import collections
import hashlib
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

from safetensors_files import file_of

# Where we are stricter. A name given twice is one more: the library takes the last one silently.
STRICTER = {
    "a dtype written as an object": r"an object where none belongs",
    "a __metadata__ key given twice": r'the __metadata__ key ".*" is given twice',
    "a field besides dtype, shape, data_offsets": r"unknown field",
    "a tensor written as a list": r"an array where none belongs",
    "__metadata__ of null": r"null where none belongs",
    "more than 64 dimensions": r"more than 64 dimensions",
    "a dimension over 2^63 - 1": r"a dimension over 2\^63 - 1",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--stored", type=pathlib.Path)
    parser.add_argument("--store", type=pathlib.Path)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    stored = json.loads(options.stored.read_text()) if options.stored else None
    if stored:
        options.files, options.first = stored["files"], 0
    elif not options.reference:
        parser.error("--reference or --stored FILE")
    tally, failures, verdicts, digest = collections.Counter(), [], [], hashlib.sha256()
    for begin in range(options.first, options.first + options.files, 2000):
        files = [file_of(seed) for seed in range(begin, min(begin + 2000, options.first + options.files))]
        for data in files:
            digest.update(data)
        at = begin - options.first
        if stored:
            theirs = [c == "1" for c in stored["accepted"][at:at + len(files)]]
        else:
            theirs = list(map(reference_accepts, files))
        verdicts += theirs
        for i, (data, accepted, said) in enumerate(zip(files, theirs, our_verdicts(options.tool, files))):
            kind = kind_of(data, accepted, said)
            tally[kind] += 1
            if kind.startswith("FAILURE"):
                failures.append(f"seed {begin + i}: {kind}: {said}")
    if stored and digest.hexdigest() != stored["sha256"]:
        print("the generator makes other files than those whose verdicts are stored: store them again (--store)")
        return 1
    if options.store:
        accepted = "".join("01"[v] for v in verdicts)
        options.store.write_text(json.dumps({"library": library_version(), "files": options.files,
                                             "sha256": digest.hexdigest(), "accepted": accepted}, indent=0) + "\n")
    for kind, count in sorted(tally.items(), key=lambda item: -item[1]):
        print(f"{count:9} {kind}")
    print(*failures[:20], sep="\n", end="\n" if failures else "")
    print(f"safetensors_verdicts: {options.files} files against {stored['library'] if stored else library_version()}: "
          f"{len(failures)} failures")
    return 1 if failures or not tally["both accept"] or not tally["both refuse"] else 0


def kind_of(data: bytes, accepted: bool, said: str) -> str:
    if (said == "ok") == accepted:
        return "both accept" if accepted else "both refuse"
    if not accepted:
        return "FAILURE: only we accept"
    if names_a_tensor_twice(data):
        return "only we refuse: a name given twice"
    for reason, pattern in STRICTER.items():
        if re.search(pattern, said):
            return f"only we refuse: {reason}"
    return "FAILURE: only we refuse, for no listed reason"


def names_a_tensor_twice(data: bytes) -> bool:
    (length,) = struct.unpack("<Q", data[:8])
    pairs = json.loads(data[8:8 + length], object_pairs_hook=lambda found: found)
    return len({name for name, _ in pairs}) < len(pairs)


def our_verdicts(tool: str, files: list) -> list:
    with tempfile.TemporaryDirectory() as folder:
        for i, data in enumerate(files):
            pathlib.Path(folder, str(i)).write_bytes(data)
        result = subprocess.run([tool, folder, str(len(files))], capture_output=True, text=True, check=False)
    lines = result.stdout.splitlines()
    if result.returncode != 0 or len(lines) != len(files):
        sys.exit(f"{tool} ended with {result.returncode} after {len(lines)} of {len(files)} verdicts:\n{result.stderr}")
    return lines


def reference_accepts(data: bytes) -> bool:
    from safetensors import SafetensorError, deserialize
    try:
        deserialize(data)
        return True
    except SafetensorError:
        return False


def library_version() -> str:
    import safetensors
    return f"safetensors {safetensors.__version__}"


if __name__ == "__main__":
    sys.exit(main())
