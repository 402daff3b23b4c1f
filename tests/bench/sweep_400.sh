#!/usr/bin/env bash
# What a grid of 432 cells comes to: jobs/sweep-large.toml's grid and controls, on the demo model and its prompts. Needs a
# build, python3 and GNU time.
#
#   bash tests/bench/sweep_400.sh
#
# PROMPTS: prompts generated on (8). TOKENS: tokens each (16). RANKS: 2. Peak memory: the largest rank's (VmHWM, shared
# libraries included), as the manifest states it. CPU seconds: all ranks together, start to report; on a machine with
# other work they say more than the wall time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
gatesweep=${GATESWEEP:-build/gatesweep}
python=${PYTHON:-python3}
ranks=${RANKS:-2}
[ "$(id -u)" = 0 ] && export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The same sweep; the model, the prompts and their number are the demo's. Relative paths are looked for here.
"$python" - "$work/sweep-400.toml" "${PROMPTS:-8}" << 'END'
import sys
out, prompts = sys.argv[1:]
sweep = open("jobs/sweep-large.toml").read().partition("[sweep]\n")[2]
sweep = sweep.replace('"xstest-unsafe"', '"harmful-swept"').replace(', "xstest-safe"', "").replace('"xstest-safe"', "")
head = open("jobs/demo/demo.toml").read().partition("[sweep]\n")[0]
swept = f'[[prompts]]\ngroup = "harmful-swept"\nfile = "prompts/demo/harmful.csv"\nlimit = {prompts}\n\n'
open(out, "w").write(head + swept + "[sweep]\n" + sweep)
END

/usr/bin/time -o "$work/time" -f '%e %U %S' mpirun --oversubscribe --bind-to none -n "$ranks" "$gatesweep" -q run \
    "$work/sweep-400.toml" --out "$work/run" --set parallel.threads=1 --set sweep.max_new_tokens="${TOKENS:-16}"

"$python" - "$work/run" "$work/time" << 'END'
import collections, csv, json, sys
run, time = sys.argv[1:]
def table(name):
    with open(f"{run}/{name}", newline="") as file:
        return list(csv.DictReader(file))
cells = table("tables/trial_cells.csv")
grid = [cell for cell in cells if cell["kind"] == "selected"]
kinds = collections.Counter(trial["kind"] for trial in {row["trial_id"]: row for row in table("tables/trials.csv")}.values())
completions = sum(1 for _ in open(f"{run}/completions.jsonl"))
phases = {row["phase"]: row for row in table("timings.csv")}
layout = json.load(open(f"{run}/manifest.json"))["layout"]
wall, user, system = map(float, open(time).read().split())
def outcomes(word):
    return sum(cell["outcome"].startswith(word) for cell in grid)
def show(name, value, digits=0):
    print(f"{name:36}{value:>12,.{digits}f}")
show("grid cells", len(grid))
show("  the same set as an earlier cell", outcomes("same as"))
show("  no expert in the class", outcomes("no expert"))
show("  refused", outcomes("refused"))
show("  distinct sets", outcomes("trial"))
show("bottom sets", kinds["bottom"])
show("random sets", kinds["random"])
show("trials with the baseline", sum(kinds.values()))
show("sequences decoded", completions)
show("tokens decoded", int(phases["sweep_decode"]["tokens"]))
show("prompt tokens, before sharing", int(phases["sweep_prefill"]["tokens"]))
show("prefill, seconds", float(phases["sweep_prefill"]["seconds"]), 1)
show("decode, seconds", float(phases["sweep_decode"]["seconds"]), 1)
show("wall time, seconds", wall, 1)
show("CPU time, seconds", user + system, 1)
show("peak memory of a rank, MB", max(layout["peak_memory"]) / 1e6, 1)
END
