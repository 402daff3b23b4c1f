#!/usr/bin/env bash
# What `plan` says that hardening holds beside the weights against the most resident memory of a run, on 1 and 2 ranks: the demo,
# and a random checkpoint that make_checkpoint.py makes (its options may follow). Needs a build and numpy.
#
#   bash tests/bench/harden_memory.sh [make_checkpoint.py's options ...]
#
# Peak: the most of a rank (VmHWM), shared libraries included, as the manifest states it. What a process takes with next to no
# weights and adapters is measured first, with the same libraries, and added to what was planned: weights and the most beside them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
gatesweep=${GATESWEEP:-build/gatesweep}
python=${PYTHON:-python3}
[ "$(id -u)" = 0 ] && export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# != 0 ] || set -- --hidden 512 --ffn 1792 --layers 8 --heads 8 --kv-heads 2 --vocab 8192 --dtype f32
"$python" tests/bench/make_checkpoint.py "$work/large" "$@" > "$work/made.txt"
[ -e results/demo-weakened ] || "$gatesweep" merge jobs/demo/model --adapter jobs/demo/weakened --out results/demo-weakened > /dev/null
# A few steps show all there is to hold. Untrained routers may find no planted expert, but activation ranks them all. Small batches
# keep the signals from being the peak.
settings=(--set harden.steps=2 --set harden.save=1 --set harden.evaluate=2 --set parallel.threads=1 --set signals.batch_tokens=512)
sed '/^suppress/d; s/^file .*/&\nlimit = 3/' jobs/demo/harden.toml > "$work/job.toml"

measure() { # what, ranks, further settings
    local what=$1 ranks=$2
    shift 2
    "$gatesweep" plan "$work/job.toml" --ranks "$ranks" "${settings[@]}" "$@" > "$work/plan.txt"
    rm -rf "$work/run"
    mpirun --oversubscribe --bind-to none -n "$ranks" "$gatesweep" -q harden "$work/job.toml" --out "$work/run" "${settings[@]}" "$@"
    "$python" - "$work/plan.txt" "$work/run/manifest.json" "$work/base.txt" "$what" "$ranks" << 'PYTHON'
import json, os, re, sys
plan, manifest, base, what, ranks = sys.argv[1:]
text = open(plan).read()
size = lambda number, unit: float(number) * {"kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]
weights = size(*re.search(r"^weights +(\S+) (\S+)", text, re.M).groups())
beside, unit, phase = re.search(r"^most beside weights +(\S+) (\S+) +(.*?) *$", text, re.M).groups()
planned = weights + size(beside, unit)
measured = max(json.load(open(manifest))["layout"]["peak_memory"])
if not os.path.exists(base):  # the smallest job: the rest is the process
    open(base, "w").write(str(measured - planned))
    sys.exit()
with_process = planned + float(open(base).read())
print(f"| {what} | {ranks} | {weights / 1e6:.0f} | {size(beside, unit) / 1e6:.0f} ({phase}) | {with_process / 1e6:.0f} | "
      f"{measured / 1e6:.0f} | {measured / with_process:.2f} |", flush=True)
PYTHON
}

measure process 1 --set harden.rank=1 --set harden.experts=1 --set harden.batch=2 --set harden.compare='[]'
echo '| model | ranks | weights, MB | most beside them, planned | with the process, MB | measured, MB | measured / planned |'
echo '|---|---|---|---|---|---|---|'
large=(--set model.path="$work/large/model" --set harden.max_new_tokens=16)
for ranks in 1 2; do
    measure demo $ranks
    measure large $ranks "${large[@]}"
    measure "large, rank 64, 30 experts" $ranks "${large[@]}" --set harden.rank=64 --set harden.experts=30 --set harden.compare='["attention"]'
done
