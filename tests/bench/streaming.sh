#!/usr/bin/env bash
# Signals from resident weights against signals from streamed layers, on a checkpoint that make_checkpoint.py makes (3.1 GB
# by default) or one that is there: CHECKPOINT_FOLDER with its job.toml. Fails when arrays differ in a byte, or a streaming
# rank's peak memory is above LIMIT_MB (1500). Needs a build and numpy.
#
#   bash tests/bench/streaming.sh [FOLDER [make_checkpoint.py's options ...]]
#
# Each of ROUNDS rounds runs resident and streamed, on each of RANKS ("1 2") ranks that hold a copy together, one thread
# each. Peak: the most resident memory of the process (VmHWM), as the manifest states it; MEMORY is signals.memory, for the
# activations. Seconds: loading and signals.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
gatesweep=${GATESWEEP:-build/gatesweep}
python=${PYTHON:-python3}
[ "$(id -u)" = 0 ] && export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMP_WAIT_POLICY=passive
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=${1:-$work/checkpoint}
[ $# = 0 ] || shift
[ -e "$folder/job.toml" ] || "$python" tests/bench/make_checkpoint.py "$folder" --layers 17 --prompts 16 "$@"

run() { # name, stream, ranks
    mpirun --oversubscribe --bind-to none -n "$3" "$gatesweep" -q run "$folder/job.toml" --out "$work/$1" \
        --set parallel.expert_parallel="$3" --set parallel.device=cpu --set parallel.threads=1 --set signals.stream="$2" \
        --set signals.memory="${MEMORY:-300 MB}" --set signals.batch_tokens="${BATCH_TOKENS:-1024}" --set model.dtype=auto
}

printf '%5s  %8s  %8s  %6s  %9s  %9s  %9s\n' ranks resident streamed ratio 'peak MB' 'streamed' 'MB read'
for ranks in ${RANKS:-1 2}; do
    for _ in $(seq "${ROUNDS:-1}"); do
        run resident false "$ranks"
        run streamed true "$ranks"
        "$python" - "$work/resident" "$work/streamed" "${LIMIT_MB:-1500}" << 'EOS'
import csv, json, pathlib, sys

resident, streamed = (pathlib.Path(name) for name in sys.argv[1:3])


def seconds(run):
    rows = csv.DictReader(open(run / "timings.csv"))
    return sum(float(row["seconds"]) for row in rows if row["phase"] in ("load", "signals"))


def layout(run):
    return json.load(open(run / "manifest.json"))["layout"]


for name in ("arrays/activation_counts.npy", "arrays/gradient_scores.npy", "tables/prompts.csv"):
    if (resident / name).read_bytes() != (streamed / name).read_bytes():
        sys.exit(f"{name} differs")
digests = [json.load(open(run / "manifest.json"))["digests"]["weights"] for run in (resident, streamed)]
if digests[0] != digests[1]:
    sys.exit("the digests of the weights differ")
before, after = seconds(resident), seconds(streamed)
peak = [max(layout(run)["peak_memory"]) / 1e6 for run in (resident, streamed)]
read = max(layout(streamed)["bytes_read"]) / 1e6
print(f"{layout(streamed)['ranks']:>5}  {before:>8.1f}  {after:>8.1f}  {after / before:>6.2f}  {peak[0]:>9.0f}  {peak[1]:>9.0f}  {read:>9.0f}", flush=True)
if peak[1] > float(sys.argv[3]):
    sys.exit(f"a streaming rank took {peak[1]:.0f} MB")
EOS
        rm -rf "$work/resident" "$work/streamed"
    done
done
