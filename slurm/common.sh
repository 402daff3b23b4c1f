# Read by the batch files: one start of a job, from the first line of its log to the decision about the next start.
# The user's part is in README.md. Needs bash 4.4 and the Slurm commands.
#
# Slurm asks for an end with USR1 (--signal in the batch files, some minutes before the time limit). It is passed on to
# the ranks, which finish and commit the batches they work on. Then `gatesweep status` decides, not the launcher's exit
# code: a launcher ends with 1, 137 or 143 for many reasons, and what is committed is committed whatever the reason.
# shellcheck shell=bash
set -uo pipefail

slurm_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$slurm_folder")

say() { printf '%s  slurm     %s\n' "$(date +%T)" "$*"; }
# refuse CODE what is wrong (why): what to do
refuse() {
    local code=$1
    shift
    printf 'error: %s\n' "$*" >&2
    exit "$code"
}

# The last task of an array has the number of the whole array as its SLURM_JOB_ID: asking for that would mean all tasks.
job_id() { echo "${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_}${SLURM_ARRAY_TASK_ID:-$SLURM_JOB_ID}"; }
job_state() { scontrol show job -o "$(job_id)" 2> /dev/null | sed -n 's/.* JobState=\([A-Z_]*\).*/\1/p'; }
absolute() { realpath -m -- "$1"; }

# ---- what runs -------------------------------------------------------------------------------------------------------

read_site() {
    local settings=${SITE:-$slurm_folder/site.sh}
    if [ -r "$settings" ]; then
        # shellcheck source=slurm/site.example.sh
        . "$settings"
    elif [ -n "${SITE:-}" ]; then
        refuse 66 "SITE=$SITE cannot be read: name a file of settings like slurm/site.example.sh"
    fi
}

find_program() {
    local folder
    if [ -z "${GATESWEEP:-}" ]; then
        for folder in ${SLURM_GPUS_ON_NODE:+build-cuda} build; do
            [ ! -x "$root/$folder/gatesweep" ] || GATESWEEP=$root/$folder/gatesweep
            [ -z "${GATESWEEP:-}" ] || break
        done
        GATESWEEP=${GATESWEEP:-$(command -v gatesweep)} # installed: this folder lies in share/gatesweep
    fi
    [ -x "${GATESWEEP:-}" ] || refuse 66 "${GATESWEEP:-$root/build/gatesweep} is no program that can be started: build it," \
        "or name it with GATESWEEP=/path/to/gatesweep"
}

# For commands that need no other rank: MPI must not take this process for a part of a job step.
program() { env -u SLURM_JOB_ID -u SLURM_JOBID -u SLURM_NODELIST "$GATESWEEP" "$@"; }
stored() { program status "$@"; }
committed_records() {
    local count
    count=$(stored "$out" --count 2> /dev/null)
    [[ $count =~ ^[0-9]+$ ]] && echo "$count" || echo 0
}

# offers TYPE: srun can start ranks of that kind. Reads `offered`.
offers() { [ "$1" != none ] && grep -qwF -- "$1" <<< "$offered"; }

# Fills `launch`: the command that starts the ranks of this allocation.
choose_launcher() {
    local type=${MPI_TYPE:-${SLURM_MPI_TYPE:-pmix}} wanted=${LAUNCH:-auto} offered
    offered=$(srun --mpi=list 2>&1 | tr -s ' \t\n' ' ')
    if [ "$wanted" = auto ]; then
        wanted=srun
        offers "$type" || wanted=mpirun
        [ $wanted = srun ] || say "launcher: mpirun, since srun does not offer --mpi=$type (it says: $offered)"
    fi
    case $wanted in
        srun)
            [ "$type" != none ] || refuse 64 "srun --mpi=none starts every rank as a program of its own (all of them" \
                "would write to one folder): use MPI_TYPE=pmix, or LAUNCH=mpirun"
            offers "$type" || refuse 69 "this Slurm's srun does not offer --mpi=$type (it says: $offered):" \
                "name one that your MPI knows with MPI_TYPE, or use LAUNCH=mpirun"
            # A rank that died takes the others with it; else they would wait for it until the time limit.
            launch=(srun "--mpi=$type" --kill-on-bad-exit=1 ${SLURM_CPUS_PER_TASK:+"--cpus-per-task=$SLURM_CPUS_PER_TASK"})
            ;;
        mpirun)
            command -v mpirun > /dev/null || refuse 69 "there is no mpirun on $(hostname): load the MPI module that gatesweep was" \
                "built with before sbatch, or in slurm/site.sh"
            # Not with a longer odls_base_sigkill_timeout: mpirun waits four times as long after any rank ended with an error or
            # with 75, though all are gone, and that is time of the minutes before the limit.
            launch=(mpirun --bind-to none -n "$SLURM_NTASKS")
            ;;
        *) refuse 64 "LAUNCH=$wanted: use srun, mpirun or auto" ;;
    esac
}

set_environment() {
    local threads=${SLURM_CPUS_PER_TASK:-1} per_node=$(((SLURM_NTASKS + SLURM_NNODES - 1) / SLURM_NNODES))
    export OMP_NUM_THREADS=$threads
    # Ranks that share a core must give it up while they wait; ranks with a core of their own are faster without.
    if ((per_node * threads > $(getconf _NPROCESSORS_ONLN))); then
        export OMPI_MCA_mpi_yield_when_idle=1
        say "$per_node ranks x $threads threads are more than the cores of a node: ranks yield while they wait"
    fi
    export NCCL_DEBUG=${NCCL_DEBUG:-WARN}
}

# A job step that lost its node leaves a socket behind by which no later step of the same number can start there (PMIx in
# Slurm 22.05), and a requeued job counts its steps from 0 again. So each start begins with as many empty steps.
skip_used_steps() {
    local i
    for ((i = 0; i < ${SLURM_RESTART_COUNT:-0}; ++i)); do
        srun --mpi=none --nodes=1 --ntasks=1 true 2> /dev/null || true
    done
}

# Copies the checkpoint to a disk of each node, or finds it there. Sets model_path.
stage_model() {
    [ -n "${MODEL:-}" ] || refuse 64 "STAGE=$STAGE without MODEL: say which checkpoint folder is to be copied, MODEL=/path/to/it"
    model_path=$STAGE/$(basename "$MODEL")-$(cksum <<< "$MODEL" | cut -d ' ' -f 1)
    say "staging: $MODEL to $model_path on each of $SLURM_NNODES nodes"
    run_in_background srun --mpi=none --ntasks="$SLURM_NNODES" --ntasks-per-node=1 --kill-on-bad-exit=1 \
        bash "$slurm_folder/stage.sh" "$MODEL" "$model_path"
    [ -n "$stop" ] || [ "$code" = 0 ] || refuse "$code" "staging failed (see above): make room on $STAGE, or leave STAGE away"
}

# ---- waiting and signals ---------------------------------------------------------------------------------------------

stop=      # the signal that asked for an end, once one did
child=     # process of the launcher
signalled= # a trap ran since `wait` began

pass_on_stop() {
    stop=$1
    signalled=yes
    say "$1: asking the ranks to commit what they work on and to stop"
    [ -z "$child" ] || kill -USR1 "$child" 2> /dev/null || true
}

# Runs a command; its exit code goes to `code`. A trap runs only between foreground commands, hence & and wait; a signal
# ends `wait`, hence again.
run_in_background() {
    code=0
    "$@" &
    child=$!
    while :; do
        signalled=
        code=0
        wait "$child" || code=$?
        [ -n "$signalled" ] || break
    done
    child=
}

# ---- what comes next -------------------------------------------------------------------------------------------------

# The file beside the run's folder that tells of its starts; the guard reads what this Slurm job wrote there.
record_start() {
    [ -s "$out.starts.csv" ] || echo 'time,job,restart,nodes,exit_code,status,records_before,records,decision' > "$out.starts.csv"
    echo "$(date -u +%FT%TZ),$(job_id),${SLURM_RESTART_COUNT:-0},\"$SLURM_JOB_NODELIST\",$code,$status,$records_before,$records,$1" \
        >> "$out.starts.csv"
}
# Fields from the end, since a list of nodes has commas.
starts_of_job() { awk -F, -v job="$(job_id)" '$2 == job { print $NF, $(NF - 1), $(NF - 2) }' "$out.starts.csv" 2> /dev/null; }
num_requeues() { starts_of_job | grep -c '^requeue '; }
# Starts in a row, this one included, that left no more records than there were.
num_stalls() {
    { starts_of_job; echo "now $records $records_before"; } |
        awk 'NR == 1 { seen = $3 } { stalls = $2 > seen ? 0 : stalls + 1; seen = $2 } END { print stalls }'
}

stop_with() {
    local end=$1
    shift
    record_start stop
    say "stopping with exit code $end: $*"
    exit "$end"
}

requeue() {
    local again="the same sbatch command goes on from here" requeues stalls
    [ "$code" != 0 ] && end=$code || end=75
    [ "${REQUEUE:-yes}" = yes ] || stop_with "$end" "REQUEUE=$REQUEUE; $again"
    stalls=$(num_stalls)
    ((stalls < ${MAX_STALLS:-3})) || stop_with "$end" "$stalls starts in a row committed nothing ($records records): look for the" \
        "reason above; where the time is too short for one batch, give more --time or a smaller signals.batch_tokens"
    requeues=$(num_requeues)
    ((requeues < ${MAX_REQUEUES:-50})) || stop_with "$end" "requeued $requeues times, MAX_REQUEUES; $again"
    if [ "$stop" = TERM ]; then
        # Slurm is ending the job. A job that its user cancelled must not come back; a preempted one does by itself.
        local state
        state=$(job_state)
        [[ $state == RUNNING || $state == TIMEOUT ]] || stop_with "$end" "Slurm ends this job (${state:-state unknown})"
    fi
    trap '' TERM # Slurm sends it to all of a requeued job, and there is still something to say
    record_start requeue
    if scontrol requeue "$(job_id)"; then
        say "requeued: $records records, $records_before before this start; requeue $((requeues + 1)); stalled $stalls of ${MAX_STALLS:-3}"
        exit 75
    fi
    stop_with "$end" "scontrol does not requeue this job; $again"
}

decide() {
    local end
    status=0
    stored "$out" > /dev/null 2>&1 || status=$?
    records=$(committed_records)
    say "the launcher ended with $code, gatesweep status with $status; $records records, $records_before before"
    case $code in
        0)
            if [ "$status" = 0 ]; then
                record_start complete
                say "complete: $out"
                exit 0
            fi
            ;;
        73) # A node that failed may hold the folder's lock for a while longer: later it does not.
            ((${SLURM_RESTART_COUNT:-0} > 0)) || stop_with 73 "gatesweep refused (its message is above)"
            ;;
        64 | 65 | 66 | 69 | 70 | 78) stop_with "$code" "gatesweep refused (its message is above); another start would not help" ;;
    esac
    [ -n "$stop" ] || [ "$status" = 75 ] || [ "$status" = 0 ] || stop_with "$([ "$code" = 0 ] && echo "$status" || echo "$code")" \
        "there is nothing to go on from"
    requeue
}

# run_job JOB OUT [options of gatesweep run]
run_job() {
    [ $# -ge 2 ] || refuse 64 "sbatch [options] slurm/NAME.sbatch JOB.toml DIR [--set key=value ...]: JOB.toml or DIR is missing"
    local job out model_path launch code=0 status records records_before
    [ -f "$1" ] || refuse 66 "$1: there is no such job file (looked for from $PWD, where sbatch was called)"
    job=$(absolute "$1")
    out=$(absolute "$2")
    shift 2
    read_site
    [ -z "${MODEL:-}" ] || MODEL=$(absolute "$MODEL")
    # Paths in the repository's own jobs start at its root.
    [[ $job != "$root"/* ]] || cd "$root" || exit 66
    find_program
    say "job $(job_id), start $((${SLURM_RESTART_COUNT:-0} + 1)): $SLURM_NTASKS ranks on $SLURM_JOB_NODELIST, $GATESWEEP"
    choose_launcher
    set_environment
    mkdir -p "$(dirname "$out")" || refuse 73 "$(dirname "$out") cannot be made: choose another folder for the results"
    trap 'pass_on_stop USR1' USR1
    trap 'pass_on_stop TERM' TERM
    records_before=$(committed_records)
    [ "${launch[0]}" != srun ] || skip_used_steps
    model_path=${MODEL:-}
    [ -z "${STAGE:-}" ] || stage_model
    local command=("${launch[@]}" "$GATESWEEP" run "$job" --out "$out" ${SLURM_CPUS_PER_TASK:+--set "parallel.threads=$SLURM_CPUS_PER_TASK"}
        ${model_path:+--set "model.path=$model_path"} "$@")
    if [ -z "$stop" ]; then
        say "${command[*]}"
        run_in_background "${command[@]}"
    fi
    decide
}
