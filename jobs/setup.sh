#!/usr/bin/env bash
# Installs what building and running gatesweep needs on Debian 12 and is not there yet, then configures build/.
# Called by jobs/demo.sh and tests/run.sh; arguments go to cmake. A site's own libtorch (Torch_DIR, LIBTORCH_ROOT or
# CMAKE_PREFIX_PATH) and MPI (a loaded module) are used where they exist. With --cuda first: preset cuda in build-cuda/,
# with libtorch's CUDA part and NCCL; it needs a CUDA toolkit (nvcc), and no GPU.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=default
build=build
fetched=build/libtorch
if [ "${1:-}" = --cuda ]; then
    shift
    preset=cuda
    build="build-cuda"
    fetched=build/libtorch-cuda
fi

may_be_root() { [ "$(id -u)" = 0 ] || command -v sudo > /dev/null; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

install_packages() {
    command -v dpkg-query > /dev/null || return 0 # not Debian: the site provides the packages
    local wanted=(g++ cmake ninja-build pkg-config git python3-pip python3-venv libcli11-dev libtomlplusplus-dev
        libboost-serialization-dev libgtest-dev nlohmann-json3-dev libsentencepiece-dev libspdlog-dev libfmt-dev
        libxxhash-dev libssl-dev zlib1g-dev libutfcpp-dev gnuplot-nox ccache)
    command -v mpirun > /dev/null && command -v mpicxx > /dev/null || wanted+=(libopenmpi-dev openmpi-bin)
    local missing=() package
    for package in "${wanted[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return 0
    if ! may_be_root; then
        echo "setup     neither root nor sudo: going on without ${missing[*]}" >&2
        return 0
    fi
    echo "setup     installing ${missing[*]}"
    as_root apt-get -qq -o DPkg::Lock::Timeout=300 update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 \
        "${missing[@]}" > /dev/null
}

install_libtorch() {
    [ -n "${LIBTORCH_ROOT:-}${Torch_DIR:-}" ] && return 0
    local prefix
    for prefix in $(tr ':;' '  ' <<< "${CMAKE_PREFIX_PATH:-}"); do
        [ -e "$prefix/include/ATen/ATen.h" ] || [ -e "$prefix/torch/include/ATen/ATen.h" ] && return 0
    done
    [ -e "$fetched/.complete" ] && return 0
    local configured
    configured=$(sed -n 's/^LibTorch_INCLUDE_DIR:PATH=//p' "$build/CMakeCache.txt" 2> /dev/null || true)
    [ -n "$configured" ] && [ -e "$configured/ATen/ATen.h" ] && return 0 # named when it was configured
    rm -rf "$fetched"
    mkdir -p build
    local pip=(python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$fetched")
    if [ "$preset" = cuda ]; then
        echo "setup     fetching libtorch 2.11 with its CUDA libraries (4 GB) into $fetched"
        # What the wheel of torch 2.11 names, without its Python part; NCCL is the one that torch_cuda loads.
        "${pip[@]}" 'cuda-toolkit[cublas,cudart,cufft,cufile,cupti,curand,cusolver,cusparse,nvjitlink,nvrtc]==13.0.2' \
            nvidia-cudnn-cu13==9.19.0.56 nvidia-cusparselt-cu13==0.8.0 nvidia-nccl-cu13==2.28.9 nvidia-nvshmem-cu13==3.4.5
        "${pip[@]}" --no-deps torch==2.11.0
    else
        echo "setup     fetching libtorch 2.11 (CPU part, 1.2 GB) into $fetched"
        # The wheel's libtorch_cpu needs just these two CUDA libraries beside it; no Python is used at run time.
        "${pip[@]}" --no-deps torch==2.11.0 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85
    fi
    touch "$fetched/.complete"
}

configure() {
    mkdir -p "$build"
    local extra=()
    # What an earlier build found would hide a libtorch that is named now.
    [ -z "${LIBTORCH_ROOT:-}${Torch_DIR:-}${CMAKE_PREFIX_PATH:-}" ] || extra+=(-U 'LibTorch_*' -U LIBTORCH_ROOT -U Torch_DIR)
    cmake --preset "$preset" "${extra[@]}" "$@" > "$build/configure.log" 2>&1 || { cat "$build/configure.log"; exit 1; }
}

install_packages
install_libtorch
configure "$@"
