#!/usr/bin/env bash
# usage: tests/sanitized.sh [ctest options]      Builds the preset asan in build-asan/ (half an hour on 2 cores) and runs the
# tests of run.sh but Slurm's under the address and undefined-behaviour sanitizers. Open MPI leaks by itself, so leaks are
# looked for in a second pass over the programs that never start it.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_WAIT_POLICY=passive
cmake --preset asan -DGATESWEEP_TESTS=ON > /dev/null || exit 1
cmake --build build-asan -j "$(nproc)" > build-asan/build.log || { tail -n 40 build-asan/build.log; exit 1; }
tests=(ctest --output-on-failure -LE 'soak|fuzz|bench|gpu|slurm')
status=0
# Ranks that are made to fail by SIGSEGV keep it for themselves.
ASAN_OPTIONS=detect_leaks=0:handle_segv=0 "${tests[@]}" --no-tests=error --test-dir build-asan "$@" || status=1
for layer in analysis base input model report store sweep; do
    ASAN_OPTIONS=detect_leaks=1 "${tests[@]}" --no-tests=ignore --test-dir "build-asan/tests/$layer" -E '\.[0-9]+$' "$@" || status=1
done
exit $status
