#!/usr/bin/env bash
# What one GPU reaches, as lines of JSON in OUT (default build-cuda/gpu-bench): agreement with the CPU on the demo model,
# then Mixtral-8x7B's shapes with random bfloat16 weights (94 GB: an H200; LAYERS=n takes fewer): signals, decoding with
# and without suppressed experts, as a CUDA graph, with batch invariance, each with the kernels and without, in turns, and
# Hugging Face doing the same. RANKS=n shares the experts over n GPUs, and computes signals with and without overlap.
#
#   bash tests/bench/gpu.sh [OUT]
#
# Needs build-cuda (bash tests/gpu/cuda_build.sh gatesweep gpu_test model_bench). PYTHON names an interpreter with torch
# and transformers for Hugging Face's part, which is left out without them. ROUNDS (2), LIVE (1024), PROMPTS (512),
# BATCH_TOKENS (6144), MEMORY (40, GB for activations), NEW (32) and PARTS choose what is measured. DEVICE=cpu with few
# LAYERS tries the script itself, on BENCH and GATESWEEP of a build without CUDA.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=$(realpath -m "${1:-build-cuda/gpu-bench}")
mkdir -p "$out"
bench=${BENCH:-build-cuda/tests/model_bench}
gatesweep=${GATESWEEP:-build-cuda/gatesweep}
python=${PYTHON:-python3}
device=${DEVICE:-cuda}
parts=${PARTS:-tests parity invariance signals decode huggingface}
[ "$(id -u)" = 0 ] && export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
wants() { case " $parts " in *" $1 "*) ;; *) return 1 ;; esac; }

mkdir -p "$out/model"
cat > "$out/model/config.json" << EOJ
{"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "hidden_size": 4096, "intermediate_size": 14336,
 "num_hidden_layers": ${LAYERS:-32}, "num_attention_heads": 32, "num_key_value_heads": 8, "num_local_experts": 8,
 "num_experts_per_tok": 2, "vocab_size": 32000, "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "hidden_act": "silu",
 "max_position_embeddings": 32768, "sliding_window": null, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
 "bos_token_id": 1, "eos_token_id": 2}
EOJ
launch=()
[ "${RANKS:-1}" = 1 ] || launch=(mpirun --oversubscribe -n "$RANKS")
measure() { # the kernels (own, aten), then model_bench's arguments
    GATESWEEP_GPU_KERNELS=$1 "${launch[@]}" "$bench" "$out/model" "${@:2}" --random-weights --device "$device" --runs 1 \
        --expert-parallel "${RANKS:-1}" |
        sed "s/^{/{\"kernels\": \"$1\", \"decode_graph\": \"${GATESWEEP_DECODE_GRAPH:-off}\", \"batch_invariant\": \"${GATESWEEP_BATCH_INVARIANT:-off}\", \"overlap\": \"${GATESWEEP_OVERLAP:-off}\", /" | tee -a "$out/rates.jsonl"
}

if [ "$device" = cuda ]; then
    nvidia-smi --query-gpu=name,memory.total,clocks.sm,power.limit --format=csv,noheader | tee "$out/gpu.txt"
fi
if wants tests; then
    "$(dirname "$bench")/gpu_test" 2>&1 | tail -n 20 | tee "$out/gpu_test.txt"
fi
if wants parity; then
    for where in cpu "$device"; do
        "$gatesweep" -q run jobs/demo/demo.toml --out "$out/demo-$where" --set parallel.device="$where"
    done
    "$gatesweep" compare "$out/demo-cpu" "$out/demo-$device" | tee "$out/parity.txt"
fi
if wants invariance; then
    # Whether prompts computed alone have the bits that they have in batches: level, recomputed, equal.
    for invariant in off on; do
        GATESWEEP_BATCH_INVARIANT=$invariant "$gatesweep" -q run jobs/demo/demo.toml --out "$out/invariant-$invariant" \
            --set parallel.device="$device" --set model.dtype=bfloat16
        echo "GATESWEEP_BATCH_INVARIANT=$invariant $(tr -d ' \n' < "$out/invariant-$invariant/manifest.json" | grep -o '"determinism":{[^}]*}')"
    done | tee "$out/invariance.txt"
fi
for _ in $(seq "${ROUNDS:-2}"); do
    for kernels in own aten; do
        if wants signals; then
            measure "$kernels" signals --num-prompts "${PROMPTS:-512}" --length 64 --batch-tokens "${BATCH_TOKENS:-6144}" --memory "${MEMORY:-40}"
        fi
        if wants signals && [ "$kernels" = own ] && [ "${RANKS:-1}" != 1 ]; then
            GATESWEEP_OVERLAP=on measure own signals --num-prompts "${PROMPTS:-512}" --length 64 \
                --batch-tokens "${BATCH_TOKENS:-6144}" --memory "${MEMORY:-40}"
        fi
        if wants invariance && [ "$kernels" = own ]; then
            GATESWEEP_BATCH_INVARIANT=on measure own signals --num-prompts "${PROMPTS:-512}" --length 64 \
                --batch-tokens "${BATCH_TOKENS:-6144}" --memory "${MEMORY:-40}"
            GATESWEEP_BATCH_INVARIANT=on measure own decode --live "${LIVE:-1024}" --length 64 --new "${NEW:-32}"
        fi
        # Without the kernels attention is a loop over sequences: a few steps tell.
        if wants decode && [ "$kernels" = own ]; then
            measure own decode --live "${LIVE:-1024}" --length 64 --new "${NEW:-32}"
            measure own decode --live "${LIVE:-1024}" --length 64 --new "${NEW:-32}" --masked 5
            if [ "$device" = cuda ] && [ "${RANKS:-1}" = 1 ]; then
                GATESWEEP_DECODE_GRAPH=on measure own decode --live "${LIVE:-1024}" --length 64 --new "${NEW:-32}"
            fi
        elif wants decode; then
            measure aten decode --live "${LIVE:-1024}" --length 64 --new 2
        fi
    done
done
if wants huggingface && "$python" -c 'import torch, transformers' 2> /dev/null; then
    "$python" - "$out" << 'EOS'
import json, pathlib, random, sys

random.seed(1)
out = pathlib.Path(sys.argv[1])
(out / "prompts.jsonl").write_text("".join(json.dumps([random.randrange(3, 32000) for _ in range(64)]) + "\n" for _ in range(8)))
(out / "variants.json").write_text(json.dumps([[[layer, layer % 8] for layer in range(0, 10, 2)]]))
EOS
    common=("$out/model" "$out/prompts.jsonl" --random-weights --dtype bfloat16 --device "$device" --runs 1)
    "$python" tests/bench/hf_signals.py "${common[@]}" | tee "$out/hf_signals.jsonl"
    "$python" tests/bench/hf_generate.py "$out/model" "$out/prompts.jsonl" "$out/variants.json" "${common[@]:2}" --batch 1 8 \
        --max-new-tokens "${NEW:-32}" | tee "$out/hf_generate.jsonl"
fi
