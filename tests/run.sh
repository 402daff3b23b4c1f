#!/usr/bin/env bash
# Sets up, builds and runs every test but the long ones (labels soak, fuzz, bench, gpu, real). Arguments go to ctest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash jobs/setup.sh -DGATESWEEP_TESTS=ON # jobs/demo.sh builds without them
cmake --build build -j "$(bash jobs/processors.sh)"
cd build
exec ctest --output-on-failure --no-tests=error -LE 'soak|fuzz|bench|gpu|real' "$@"
