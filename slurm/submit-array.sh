#!/usr/bin/env bash
# Submits every run of a list as one task of an array, and a job behind them that collects.
#   slurm/submit-array.sh LIST FOLDER [sbatch options]
# LIST has a run a line, `NAME JOB.toml [--set key=value ...]`; its results go to FOLDER/NAME. Options hold for every run:
# --partition=P --account=A --nodes=2, on GPUs --ntasks-per-node=4 --gpus-per-node=4, and --array=1-9%2 for some of the
# list, two at a time. Submit the same again to go on with what is not complete.
set -euo pipefail
# shellcheck source=slurm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=slurm/list.sh
. "$slurm_folder/list.sh"

[ $# -ge 2 ] || refuse 64 "slurm/submit-array.sh LIST FOLDER [sbatch options]: LIST or FOLDER is missing"
[ -f "$1" ] || refuse 66 "$1: there is no such list: write one, a line for each run: NAME JOB.toml [--set key=value ...]"
list=$(realpath "$1")
folder=$(realpath -m "$2")
shift 2
read_list "$list"
[ ${#lines[@]} -gt 0 ] || refuse 65 "$list: holds no run: add lines NAME JOB.toml [--set key=value ...]"
declare -A seen=()
for line in "${lines[@]}"; do
    words_of "$line" || refuse 65 "$list: \"$line\" has a quote without its end: close it"
    [ ${#words[@]} -ge 2 ] || refuse 65 "$list: \"$line\" has no job file: write NAME JOB.toml [--set key=value ...]"
    [[ ${words[0]} =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || refuse 65 "$list: \"${words[0]}\" cannot name a folder (letters, digits and . _ - can): rename it"
    [ -z "${seen[${words[0]}]:-}" ] || refuse 65 "$list: \"${words[0]}\" stands there twice (one would overwrite the other): rename one"
    [ -f "${words[1]}" ] || refuse 66 "$list: ${words[1]}, of ${words[0]}, is not there (looked for from $PWD): correct it"
    seen[${words[0]}]=yes
done

mkdir -p "$folder/logs"
array=$(sbatch --parsable --array="1-${#lines[@]}" --output="$folder/logs/%a-%A.log" "$@" "$slurm_folder/array.sbatch" "$list" "$folder")
array=${array%%;*}
# Not afterok: one run that failed would leave the collecting job waiting for ever, and its table says which did.
options=()
for option in "$@"; do
    case $option in --partition=* | --account=* | --qos=* | --reservation=* | --constraint=*) options+=("$option") ;; esac
done
collect=$(sbatch --parsable --dependency="afterany:$array" --output="$folder/logs/collect-%j.log" "${options[@]}" \
    "$slurm_folder/collect.sbatch" "$list" "$folder")
echo "array     $array: ${#lines[@]} runs of $list"
echo "collect   ${collect%%;*}: when they have ended, into $folder"
