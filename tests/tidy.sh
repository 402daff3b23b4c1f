#!/usr/bin/env bash
# usage: tests/tidy.sh [COMMIT [MOST]]      clang-tidy on the sources that changed since COMMIT (the last one before this),
# at most MOST of them (20). Needs build/ configured. Exit code 77 without
# clang-tidy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tidy=$(command -v clang-tidy-14 || command -v clang-tidy || true)
[ -n "$tidy" ] || { echo "no clang-tidy here: nothing was checked" && exit 77; }
mapfile -t files < <(git diff --name-only --diff-filter=d "${1:-HEAD~1}" -- 'src/*.cpp' | sort)
most=${2:-20}
[ ${#files[@]} -le "$most" ] || echo "tidy      ${#files[@]} sources changed: the first $most are looked at"
files=("${files[@]:0:$most}")
[ ${#files[@]} = 0 ] || printf '%s\0' "${files[@]}" |
    xargs -0 -n 1 -P "$(bash jobs/processors.sh)" "$tidy" -p build --quiet --warnings-as-errors='*' \
        --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-optimization-argument
