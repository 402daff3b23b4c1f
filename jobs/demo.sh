#!/usr/bin/env bash
# Sets up, builds build/gatesweep and runs the main job on the shipped demo model over 2 ranks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash jobs/setup.sh -DGATESWEEP_TESTS=OFF
cmake --build build --target gatesweep -j "$(bash jobs/processors.sh)"
[ "$(id -u)" = 0 ] && export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 # mpirun refuses root otherwise
out=${1:-results/demo}
mpirun --oversubscribe -n 2 build/gatesweep run jobs/demo/demo.toml --out "$out"
echo "report    $out/report.html"
