#!/usr/bin/env bash
# Peak memory and bytes of tensors read by each rank, for expert parallel 1, 2 and 4, on a checkpoint that
# make_checkpoint.py makes (or on one that is there: CHECKPOINT_FOLDER with its job.toml). Needs a build and numpy.
#
#   bash tests/bench/memory.sh [FOLDER [make_checkpoint.py's options ...]]
#
# One copy each time, one rank per degree; activations kept for the backward pass are held to 64 MB (signals.memory), so
# that the weights show. Peak: the most resident memory of the process (VmHWM), shared libraries included, as the
# manifest states it; the last row is what a rank needs with almost no weights (the demo model's 8 MB).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
gatesweep=${GATESWEEP:-build/gatesweep}
python=${PYTHON:-python3}
[ "$(id -u)" = 0 ] && export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=${1:-$work/checkpoint}
[ $# = 0 ] || shift
[ -e "$folder/job.toml" ] || "$python" tests/bench/make_checkpoint.py "$folder" "$@"

measure() { # job, degree
    mpirun --oversubscribe --bind-to none -n "$2" "$gatesweep" -q run "$1" --out "$work/run$2" --set parallel.expert_parallel="$2" \
        --set parallel.device=cpu --set parallel.threads=1 --set signals.memory="64 MB" --set model.dtype=auto
    "$python" - "$work/run$2/manifest.json" << 'EOF'
import json, sys
layout = json.load(open(sys.argv[1]))["layout"]
for rank, (read, peak) in enumerate(zip(layout["bytes_read"], layout["peak_memory"])):
    print(f"{layout['expert_parallel']:>15}  {rank:>4}  {read / 1e6:>13.1f}  {peak / 1e6:>14.1f}")
EOF
    rm -rf "$work/run$2"
}

printf '%15s  %4s  %13s  %14s\n' 'expert parallel' rank 'MB read' 'peak memory MB'
for degree in ${DEGREES:-1 2 4}; do measure "$folder/job.toml" "$degree"; done
echo "the demo model, for what remains without weights:"
measure jobs/demo/demo.toml 1
