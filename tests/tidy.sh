#!/usr/bin/env bash
# usage: tests/tidy.sh [COMMIT [MOST]]      clang-tidy on the sources that changed since COMMIT (the last one before this),
# at most MOST of them (20). Needs build/ configured. Exit code 77 without
# clang-tidy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tidy=$(command -v clang-tidy-14 || command -v clang-tidy || true)
[ -n "$tidy" ] || { echo "no clang-tidy here: nothing was checked" && exit 77; }
base=${1:-HEAD~1}
git rev-parse -q --verify "$base^{commit}" > /dev/null || { echo "no commit $base here: nothing was checked" && exit 77; }
mapfile -t files < <(git diff --name-only --diff-filter=d "$base" -- 'src/*.cpp' | sort)
most=${2:-20}
[ ${#files[@]} -le "$most" ] || echo "tidy      ${#files[@]} sources changed: the first $most are looked at"
files=("${files[@]:0:$most}")
[ ${#files[@]} != 0 ] || exit 0
# The compile commands without g++'s precompiled headers, which clang cannot read.
mkdir -p build/tidy
python3 - build/compile_commands.json build/tidy << 'END'
import json, pathlib, re, shutil, sys
out = pathlib.Path(sys.argv[2]).resolve()
def plain(match):
    header = pathlib.Path(match.group(1))
    copy = out / (header.parent.name + ".hxx")
    shutil.copy(header, copy)
    return f"-include {copy}"
commands = json.load(open(sys.argv[1]))
for entry in commands:
    entry["command"] = re.sub(r"-include (\S+\.hxx)", plain, entry["command"].replace("-fpch-preprocess", ""))
json.dump(commands, open(out / "compile_commands.json", "w"))
END
printf '%s\0' "${files[@]}" |
    xargs -0 -n 1 -P "$(bash jobs/processors.sh)" "$tidy" -p build/tidy --quiet --warnings-as-errors='*' \
        --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-optimization-argument
