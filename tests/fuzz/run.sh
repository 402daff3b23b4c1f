#!/bin/bash
# usage: tests/fuzz/run.sh TARGET|all SECONDSs|RUNS [libFuzzer options]      e.g. run.sh safetensors 60s
# Builds with clang in build-fuzz/, starts from seeds made of tests/golden, keeps what it learns in build-fuzz/corpus/
# and findings in build-fuzz/findings/. Ends with 0 when there was no finding.
set -euo pipefail
target=${1:?target, or all} amount=${2:?how long, as 60s or as a number of runs}
shift 2
cd "$(dirname "$0")/../.."
targets=$target
[ "$target" = all ] && targets=$(cd tests/fuzz && printf '%s\n' *_fuzz.cpp | sed 's/_fuzz.cpp$//')
[ -f build-fuzz/build.ninja ] || cmake --preset fuzz > /dev/null
# shellcheck disable=SC2046,SC2086
cmake --build build-fuzz --target $(printf 'fuzz_%s ' $targets) > build-fuzz/build.log || { cat build-fuzz/build.log; exit 1; }
python3 tests/fuzz/seeds.py build-fuzz/seeds
case $amount in *s) limit=-max_total_time=${amount%s} ;; *) limit=-runs=$amount ;; esac
[ -d /dev/shm ] && export TMPDIR=${TMPDIR:-/dev/shm}
status=0
for target in $targets; do
  mkdir -p "build-fuzz/corpus/$target" "build-fuzz/findings/$target"
  echo "$target:"
  "build-fuzz/fuzz_$target" "$limit" -timeout=5 -rss_limit_mb=1024 -max_len=8192 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="build-fuzz/findings/$target/" "$@" "build-fuzz/corpus/$target" "build-fuzz/seeds/$target" 2>&1 |
    grep -E 'stat::(number|average|peak)|ERROR|SUMMARY|not so|Test unit|ALARM' || status=1
  ls "build-fuzz/findings/$target"/crash-* > /dev/null 2>&1 && status=1
done
exit $status
