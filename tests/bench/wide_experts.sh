#!/bin/bash
# Decoding of layers with many small experts beside llama.cpp, with the same random bfloat16 weights: slices of the
# shapes of OLMoE-1B-7B (64 experts of width 1024, 8 a token) and Qwen3-30B-A3B (128 of 768).
#
#   LLAMA_BIN=.../llama.cpp/build/bin bash tests/bench/wide_experts.sh [FOLDER]
#
# Without LLAMA_BIN gatesweep alone is measured. A checkpoint that lies in FOLDER already is taken. In the environment:
# PYTHON (with numpy), LAYERS, ROUNDS, THREADS, LIVE (numbers of sequences), NEW (steps).
set -euo pipefail
bench=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$(mktemp -d)}
python=${PYTHON:-python3}
mkdir -p "$folder"
[ $# -gt 0 ] || trap 'rm -rf "$folder"' EXIT

measure() {
    local name=$1
    shift
    [ -e "$folder/$name/job.toml" ] || "$python" "$bench/make_checkpoint.py" "$folder/$name" --layers "${LAYERS:-2}" --vocab 4096 "$@"
    local peer=()
    if [ -n "${LLAMA_BIN:-}" ]; then
        [ -e "$folder/$name.gguf" ] || "$python" "$bench/make_gguf.py" "$folder/$name/model" "$folder/$name.gguf"
        peer=(--gguf "$folder/$name.gguf")
    fi
    echo
    echo "== $name, ${LAYERS:-2} layers =="
    "$python" "$bench/decode_rate.py" "$folder/$name/model" "${peer[@]}" --no-hf --rounds "${ROUNDS:-5}" --threads "${THREADS:-2}" \
        --live ${LIVE:-1 8 32} --new "${NEW:-32}"
}

measure olmoe-slice --family olmoe --hidden 2048 --ffn 1024 --experts 64 --top-k 8 --heads 16 --kv-heads 16
measure qwen3-slice --family qwen3_moe --hidden 2048 --ffn 768 --experts 128 --top-k 8 --heads 32 --kv-heads 4 --head-dim 128
