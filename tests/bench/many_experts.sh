#!/bin/bash
# Runs of models with many experts a layer, narrow and of random weights: 16 layers x 64 experts (OLMoE-1B-7B's) and
# 48 x 128 (Qwen3-30B-A3B's), 8 a token. Each is planned and run end to end, with its screen of every expert on 4 prompts
# and on 1; the first also by 2 and 4 ranks that share the experts, which must leave the same bytes.
#
#   bash tests/bench/many_experts.sh [FOLDER]
#
# GATESWEEP, PYTHON (with numpy) in the environment choose the binary and the interpreter. Prints timings.csv of each run
# and the size of its page.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-$(mktemp -d)}
gatesweep=${GATESWEEP:-$root/build/gatesweep}
python=${PYTHON:-python3}
[ "$(id -u)" != 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_mpi_yield_when_idle=1

make_model() {
    local name=$1 prompts=$2
    shift 2
    [ ! -e "$folder/$name/job.toml" ] || return 0
    "$python" "$root/tests/bench/make_checkpoint.py" "$folder/$name" --top-k 8 --hidden 64 --heads 4 --dtype f32 --prompts 8 "$@"
    cat >> "$folder/$name/job.toml" <<'JOB'

[parallel]
threads = 1

[analysis]
activation = { gap = 0.003, min = 0.005 }

[sweep]
max_new_tokens = 8
sizes = [1, 5]
controls = { random = 2 }

[sweep.screen]
refusals = ["I cannot"]
compliances = ["Sure"]
JOB
    echo "limit = $prompts" >> "$folder/$name/job.toml"
}

run() {
    local name=$1 ranks=$2 out="$folder/$1/ranks-$2"
    [ -e "$out/COMPLETE" ] || mpirun --oversubscribe --bind-to none -n "$ranks" "$gatesweep" run "$folder/$name/job.toml" --out "$out" \
        --set "parallel.expert_parallel=$ranks" > "$out.log"
    echo "== $name, expert_parallel $ranks: report.html has $(wc -c < "$out/report.html") bytes"
    cat "$out/timings.csv"
}

make_model 16x64 4 --family olmoe --layers 16 --experts 64 --ffn 32 --kv-heads 4
make_model 48x128 1 --family qwen3_moe --layers 48 --experts 128 --ffn 16 --kv-heads 2 --head-dim 32
for name in 16x64 48x128; do
    "$gatesweep" plan "$folder/$name/job.toml" > "$folder/$name/plan.txt"
    run "$name" 1
done
for ranks in 2 4; do
    run 16x64 "$ranks"
    diff -r "$folder/16x64/ranks-1/tables" "$folder/16x64/ranks-$ranks/tables"
    diff -r "$folder/16x64/ranks-1/arrays" "$folder/16x64/ranks-$ranks/arrays"
    cmp "$folder/16x64/ranks-1/completions.jsonl" "$folder/16x64/ranks-$ranks/completions.jsonl"
done
[ $# -gt 0 ] || rm -rf "$folder"
