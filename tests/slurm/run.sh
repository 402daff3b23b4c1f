#!/usr/bin/env bash
# The batch files of slurm/ on a real Slurm cluster of two nodes (cluster.sh): a line with verdict and seconds for each
# scenario, exit code 0 when all hold.
#   tests/slurm/run.sh [NAME ...]     the scenarios of scenarios.sh by name; without, all but the long ones
# PROGRAM names the gatesweep to test (build/gatesweep). KEEP=yes leaves the folder with all logs and the transcript.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
program=${PROGRAM:-$root/build/gatesweep}

for command in slurmctld slurmd munged sbatch srun mpirun; do
    command -v $command > /dev/null || missing="${missing:-} $command"
done
[ "$(id -u)" = 0 ] || missing="${missing:-} root"
if [ -n "${missing:-}" ]; then
    echo "skipped: there is no$missing (apt-get install slurmctld slurmd slurm-client munge openmpi-bin, as root)"
    exit 77
fi

[ -x "$program" ] || { echo "$program is not built"; exit 1; }
temp=$(mktemp -d /tmp/gatesweep-scenarios.XXXXXX)
export GATESWEEP_CLUSTER=$temp/c
transcript=$temp/transcript
finish() {
    "$here/cluster.sh" down
    if [ "${KEEP:-no}" = yes ] || [ "${failures:-1}" != 0 ]; then echo "logs: $temp"; else rm -rf "$temp"; fi
}
trap finish EXIT
trap 'exit 130' INT TERM

# ---- what scenarios are written in ------------------------------------------------------------------------------------

log() { printf '%s  %s\n' "$(date +%T)" "$*" >> "$transcript"; }
wrong() {
    log "WRONG: $*"
    problems+=("$*")
}

# submit [sbatch options] FILE ...: as a user would, from a folder that is not the repository. Sets `job`, its number.
submit() {
    log "sbatch $*"
    job=$(cd "$work" && sbatch --parsable "$@" 2>> "$transcript") || wrong "sbatch refused: $*"
}
# Two ranks, one on each node.
over_nodes=(--nodes=2 --ntasks-per-node=1 --cpus-per-task=1 --time=10)

field() { scontrol show job -o "${2:-$job}" 2> /dev/null | head -n 1 | grep -oE "(^| )$1=[^ ]*" | cut -d = -f 2-; }

# wait_until SECONDS command ...
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}
is() { [[ $(field JobState) =~ ^($1)$ ]]; }
has_records() { [ "$("$program" status "$out" --count 2> /dev/null)" -gt 0 ] 2> /dev/null; }
until_records() { wait_until 180 has_records || wrong "no record was committed in time: $(field JobState) $(field Reason)"; }
# A requeued job waits two minutes in this Slurm. This shortens it to the two seconds that a node needs to forget the start
# before, once for each start.
declare -A shortened=()
ended() {
    local this
    this=$job.$(field Restarts)
    if [ -z "${shortened[$this]:-}" ] && is PENDING && restarted 1; then
        shortened[$this]=yes
        scontrol update JobId="$job" StartTime=now+2 2>> "$transcript"
    fi
    is 'COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL|BOOT_FAIL|OUT_OF_MEMORY|DEADLINE'
}
until_ended() { wait_until "${1:-240}" ended || wrong "job $job did not end: $(field JobState) $(field Reason)"; }
restarted() { [ "$(field Restarts)" -ge "${1:-1}" ]; }

ended_as() { # STATE CODE RESTARTS
    log "job $job: $(field JobState) $(field ExitCode) restarts $(field Restarts)"
    [ "$(field JobState) $(field ExitCode) $(field Restarts)" = "$1 $2:0 $3" ] ||
        wrong "job $job ended $(field JobState) $(field ExitCode) after $(field Restarts) restarts, not $1 $2:0 after $3"
}
says() { # words of the job's log; text
    grep -qF -- "$1" "${2:-$work/gatesweep-$job.log}" || wrong "the log does not say \"$1\""
}
digest() { (cd "$1" && cat tables/*.csv arrays/*.npy completions.jsonl | sha256sum); }
same_bytes() {
    [ -e "$out/COMPLETE" ] || wrong "$out is not complete"
    [ "$(digest "$out" 2>&1)" = "$reference" ] || wrong "the results of $out are not those of one rank without Slurm"
}

# ---- all of them ------------------------------------------------------------------------------------------------------

scenarios=()
# shellcheck source=tests/slurm/scenarios.sh
. "$here/scenarios.sh"
if [ $# -gt 0 ]; then chosen=("$@"); else chosen=("${scenarios[@]}"); fi

cp "$program" "$temp/gatesweep" # one build for all starts, whatever is built meanwhile
program=$temp/gatesweep
"$here/cluster.sh" up || { echo "the cluster did not start"; exit 1; }
# shellcheck source=/dev/null
. "$GATESWEEP_CLUSTER/environment.sh"
export GATESWEEP=$program OMP_WAIT_POLICY=passive
small_job=$here/job.toml
(cd "$root" && "$program" run "$small_job" --out "$temp/reference" --set parallel.threads=1) > "$temp/reference.log" 2>&1 ||
    { cat "$temp/reference.log"; exit 1; }
reference=$(digest "$temp/reference")
log "$("$program" --version); $(sbatch --version); results of one rank without Slurm: $reference"

failures=0
for name in "${chosen[@]}"; do
    work=$temp/$name
    out=$work/out
    job=
    problems=()
    mkdir "$work"
    log "== $name"
    start=$SECONDS
    "scenario_$name"
    verdict=PASS
    if [ ${#problems[@]} -gt 0 ]; then
        verdict=FAIL
        ((++failures))
    fi
    printf '%s  %-20s %4d s\n' "$verdict" "$name" $((SECONDS - start)) | tee -a "$transcript"
    [ ${#problems[@]} = 0 ] || printf '      %s\n' "${problems[@]}"
    for file in "$work"/*.log; do [ ! -e "$file" ] || { echo "-- $file"; cat "$file"; } >> "$transcript"; done
    scancel --user=root 2> /dev/null
    wait_until 30 test -z "$(squeue -h)" || true
done
echo "${#chosen[@]} scenarios, $failures failures"
[ $failures = 0 ]
