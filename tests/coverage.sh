#!/usr/bin/env bash
# usage: tests/coverage.sh [ctest options]      Builds with counters in build-coverage/, runs the tests of run.sh, and prints the
# line coverage of src and include, by layer and in all. Needs gcovr; an hour on 2 cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v gcovr > /dev/null || { echo "no gcovr here (Debian: gcovr)" && exit 77; }
mkdir -p build-coverage
cmake -S . -B build-coverage -G Ninja -DCMAKE_BUILD_TYPE=Debug -DGATESWEEP_TESTS=ON -DCMAKE_CXX_FLAGS='--coverage -O1' \
    ${LIBTORCH_ROOT:+-DLIBTORCH_ROOT="$LIBTORCH_ROOT"} > build-coverage/configure.log 2>&1 ||
    { cat build-coverage/configure.log; exit 1; }
cmake --build build-coverage -j "$(bash jobs/processors.sh)" > build-coverage/build.log 2>&1 ||
    { tail -n 40 build-coverage/build.log; exit 1; }
find build-coverage -name '*.gcda' -delete
ctest --test-dir build-coverage -LE 'soak|fuzz|bench|gpu|real' "$@" | tail -n 3 || true
gcovr --root . --filter 'src/' --filter 'include/' --exclude '.*_cuda\.cpp' --json-summary build-coverage/coverage.json build-coverage
python3 - build-coverage/coverage.json << 'END'
import collections, json, re, sys
lines = collections.Counter(); hit = collections.Counter()
for file in json.load(open(sys.argv[1]))["files"]:
    layer = re.match(r"(?:src|include/gatesweep)/([a-z]+)", file["filename"]).group(1)
    for name in (layer, "all"):
        lines[name] += file["line_total"]; hit[name] += file["line_covered"]
for name in sorted(lines, key=lambda name: (name == "all", name)):
    print(f"{name:10} {100 * hit[name] / max(1, lines[name]):5.1f} % of {lines[name]} lines")
END
