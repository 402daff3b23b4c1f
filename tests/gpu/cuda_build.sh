#!/usr/bin/env bash
# Builds the preset cuda in build-cuda/ for sm_80 and sm_90, and runs its tests that need no GPU. Arguments: the targets to
# build, in place of all. Exit code 77: no CUDA toolkit here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if ! command -v nvcc > /dev/null && [ ! -x "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" ]; then
    echo "no nvcc here: nothing was built"
    exit 77
fi
bash jobs/setup.sh --cuda -DGATESWEEP_TESTS=ON -DCMAKE_CUDA_ARCHITECTURES="80-real;90-real"
targets=()
[ $# = 0 ] || targets=(--target "$@")
cmake --build build-cuda -j "${JOBS:-$(bash jobs/processors.sh)}" "${targets[@]}"
build-cuda/gatesweep info | grep -E '^(NCCL|CUDA|GPUs)'
if [ $# = 0 ]; then
    ctest --test-dir build-cuda --output-on-failure --no-tests=error -LE 'soak|fuzz|bench|gpu|real'
fi
