#!/usr/bin/env bash
# usage: tests/memcheck.sh [REGEX]      The test programs of build/tests under valgrind, one process each; all, or those whose name matches.
# libtorch works under valgrind (about a minute to start); it hides AVX-512, so the AVX2 loops and kernels are what is checked.
# Programs that only start other programs are left out: they would check the test, not the program.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
export OMP_WAIT_POLICY=passive OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
status=0
for program in build/tests/*_test; do
    name=$(basename "$program")
    [[ $name =~ ${1:-.} ]] || continue
    case $name in
        bad_* | compare_test | gpu_test | labels_test | launcher_test | plan_test | rank_agreement_test | rank_failures_test | ready_jobs_test | \
            resume_* | stored_run_test | streamed_run_test | sweep_layouts_test | verify_test | watchdog_test) continue ;;
    esac
    output=$(timeout "${LIMIT:-1800}" valgrind --error-exitcode=99 --quiet "$program" 2>&1)
    code=$?
    [ $code = 0 ] || status=1
    printf '%-32s %s, %d reports\n' "$name" "$([ $code = 0 ] && echo passed || echo "exit code $code")" \
        "$(grep -cE '^==[0-9]+== (Invalid|Conditional|Use of|Syscall|Mismatched|Source and dest|Process terminating)' <<< "$output")"
    [ $code = 0 ] || grep -E '^==|FAILED' <<< "$output" | head -40
done
exit $status
