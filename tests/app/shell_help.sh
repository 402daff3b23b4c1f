#!/usr/bin/env bash
# Completions and the manual page, through bash, zsh and man where these are there.
set -euo pipefail
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "failed: $*"; exit 1; }

"$program" completion bash > "$folder/bash"
complete_line() { # the words so far, the last one unfinished
    bash -c 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gatesweep; printf "%s\n" "${COMPREPLY[@]}"' "$folder/bash" "$@"
}
complete_line gatesweep "" | grep -qx export || fail "no commands"
complete_line gatesweep ana | grep -qx analyze || fail "no command from its beginning"
complete_line gatesweep -q export --fo | grep -qx -- --format || fail "no options of a command behind an option"
complete_line gatesweep export DIR --format ins | grep -qx inspect || fail "no words of an option"
complete_line gatesweep try MODEL --mode zero | grep -qx zero-renormalise || fail "no modes"

"$program" completion zsh > "$folder/_gatesweep"
head -1 "$folder/_gatesweep" | grep -qx '#compdef gatesweep' || fail "no zsh completion"
if command -v zsh > /dev/null; then zsh -n "$folder/_gatesweep" || fail "zsh cannot read its completion"; fi

"$program" man > "$folder/gatesweep.1"
for word in "SS run" "SS export" "\-\-prompt" "Exit codes"; do grep -qF -- "$word" "$folder/gatesweep.1" || fail "the manual lacks $word"; done
if command -v man > /dev/null; then
    man --warnings -l "$folder/gatesweep.1" > "$folder/page" 2> "$folder/complaints" || fail "man cannot read the page"
    [ ! -s "$folder/complaints" ] || fail "man complains: $(cat "$folder/complaints")"
fi
if "$program" completion fish > /dev/null 2> "$folder/error"; then fail "a shell that is not known"; fi
grep -q "bash" "$folder/error" || fail "the refusal names no shell"
echo passed
