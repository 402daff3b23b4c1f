#!/usr/bin/env bash
# stage.sh FROM TO: copies a checkpoint folder to this node's own disk. Started once on each node by common.sh.
# TO/.complete, written last, lists the files as they were copied: a later start on the same node finds them there. A copy
# that was cut off is taken up after the last whole file.
set -euo pipefail
from=$1 to=$2
say() { printf '%s  slurm     %s: %s\n' "$(date +%T)" "$(hostname)" "$*"; }
fail() {
    local code=$1
    shift
    printf 'error: %s, on %s\n' "$*" "$(hostname)" >&2
    exit "$code"
}
[ -d "$from" ] || fail 66 "MODEL=$from is not there: name the checkpoint folder"
mkdir -p "$to" || fail 73 "$to cannot be made: name a folder of this node's disk that you may write to with STAGE"
exec 9> "$to/.lock"
flock 9 # tasks of an array may share a node

list() { find -L "$1" -maxdepth 1 -type f ! -name '.*' -printf "%f\t%s$2\n" | LC_ALL=C sort; }
wanted=$(list "$from" '\t%T@')
[ -n "$wanted" ] || fail 66 "MODEL=$from holds no files: name the checkpoint folder"
if [ "$(cat "$to/.complete" 2> /dev/null)" = "$wanted" ] && [ "$(list "$to" '')" = "$(cut -f 1,2 <<< "$wanted")" ]; then
    say "re-using $to"
    exit 0
fi
rm -f "$to/.complete" "$to"/*.part
start=$(date +%s.%N)
copied=0
while IFS=$'\t' read -r name size _; do
    # Only whole files have their name; one older than its source is of another version.
    [ "$(stat -c %s "$to/$name" 2> /dev/null)" = "$size" ] && [ ! "$from/$name" -nt "$to/$name" ] && continue
    free=$(df --output=avail -B1 "$to" | tail -n 1)
    ((free > size)) || fail 74 "$to has room for $free bytes, and $name needs $size: name a larger disk with STAGE, or leave it away"
    cp "$from/$name" "$to/$name.part" || fail 74 "$name could not be copied to $to (see above)"
    [ "$(stat -c %s "$to/$name.part")" = "$size" ] || fail 74 "$name changed while it was copied: wait until it is whole"
    mv "$to/$name.part" "$to/$name"
    copied=$((copied + size))
done <<< "$wanted"
printf '%s\n' "$wanted" > "$to/.complete.part"
mv "$to/.complete.part" "$to/.complete"
say "copied $(awk -v bytes="$copied" -v t="$(date +%s.%N)" -v s="$start" 'BEGIN { printf "%.2f GB in %.1f s", bytes / 1e9, t - s }') to $to"
