#!/usr/bin/env bash
# usage: tests/sanitized.sh [--readers] [ctest options]      Builds the preset asan in build-asan/ (half an hour on 2 cores) and
# runs the tests of run.sh but Slurm's under the address and undefined-behaviour sanitizers. Open MPI leaks by itself, so
# leaks are looked for in a second pass over the programs that never start it. --readers: only the layers without libtorch,
# which read what people bring: minutes.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_WAIT_POLICY=passive
layers=(analysis base input model report store sweep)
targets=(all)
readers=
if [ "${1:-}" = --readers ]; then
    shift
    readers=yes
    layers=(analysis base input store)
    targets=("${layers[@]/#/tests/}")
    targets=("${targets[@]/%//all}")
fi
mkdir -p build-asan
cmake --preset asan -DGATESWEEP_TESTS=ON > build-asan/configure.log 2>&1 || { cat build-asan/configure.log; exit 1; }
cmake --build build-asan -j "$(bash jobs/processors.sh)" --target "${targets[@]}" > build-asan/build.log 2>&1 ||
    { tail -n 40 build-asan/build.log; exit 1; }
tests=(ctest --output-on-failure -LE 'soak|fuzz|bench|gpu|real|slurm')
status=0
# Ranks that are made to fail by SIGSEGV keep it for themselves.
[ -n "$readers" ] || ASAN_OPTIONS=detect_leaks=0:handle_segv=0 "${tests[@]}" --no-tests=error --test-dir build-asan "$@" || status=1
for layer in "${layers[@]}"; do
    ASAN_OPTIONS=detect_leaks=1 "${tests[@]}" --no-tests=ignore --test-dir "build-asan/tests/$layer" -E '\.[0-9]+$' "$@" || status=1
done
exit $status
