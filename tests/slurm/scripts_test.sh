#!/usr/bin/env bash
# The decisions of slurm/common.sh and its neighbours, with stand-ins for Slurm, the launchers and the program: what is
# started, when a job is requeued, when it stops. Needs bash alone; what a real cluster does with it: run.sh.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scripts=$here/../../slurm
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
failures=0
cases=0

# ---- stand-ins; they read and write files in $fake --------------------------------------------------------------------

mkdir -p "$temp/bin"
cat > "$temp/bin/gatesweep" << 'END'
#!/usr/bin/env bash
case $1 in
    run)
        echo "gatesweep $*" >> "$fake/runs"
        trap 'echo soft >> "$fake/signals"; soft=yes' USR1
        soft=
        mkdir -p "$4"
        [ ! -s "$fake/next_records" ] || cp "$fake/next_records" "$fake/records"
        if [ -e "$fake/runs_until_asked" ]; then
            touch "$fake/running"
            while [ -z "$soft" ]; do sleep 0.02; done
        fi
        exit "$(cat "$fake/code")" ;;
    status)
        [ "${3:-}" != --count ] || cat "$fake/records"
        exit "$(cat "$fake/status")" ;;
    compare) echo "compared $2 $3" ;;
esac
END
cat > "$temp/bin/srun" << 'END'
#!/usr/bin/env bash
[ "$1" != --mpi=list ] || { printf 'MPI plugin types are...\n\t%s\n' $(cat "$fake/mpi"); exit 0; }
echo "srun $*" >> "$fake/launched"
while [[ $1 == --* ]]; do shift; done
exec "$@"
END
cat > "$temp/bin/mpirun" << 'END'
#!/usr/bin/env bash
echo "mpirun $*" >> "$fake/launched"
while [[ $1 != */gatesweep ]]; do shift; done
exec "$@"
END
cat > "$temp/bin/scontrol" << 'END'
#!/usr/bin/env bash
[ "$1" != requeue ] || { echo "$2" >> "$fake/requeued"; exit "$(cat "$fake/requeue_code")"; }
cat "$fake/show"
END
cat > "$temp/bin/sbatch" << 'END'
#!/usr/bin/env bash
echo "sbatch $*" >> "$fake/submitted"
echo "$((100 + $(wc -l < "$fake/submitted")));cluster"
END
chmod +x "$temp"/bin/*
export PATH=$temp/bin:$PATH

# ---- one case after the other -----------------------------------------------------------------------------------------

# case_of NAME: a new folder for the stand-ins, as after a start that ended cleanly in the middle of its work.
case_of() {
    name=$1
    ((++cases))
    export fake=$temp/$cases
    mkdir -p "$fake/home"
    arguments=(../job.toml out)
    echo 75 > "$fake/code"
    echo 75 > "$fake/status"
    echo 0 > "$fake/records"
    echo 40 > "$fake/next_records"
    echo 0 > "$fake/requeue_code"
    echo pmix none > "$fake/mpi"
    : > "$fake/job.toml"
    echo "JobId=7 JobName=x JobState=RUNNING Reason=None" > "$fake/show"
    touch "$fake/requeued" "$fake/launched" "$fake/runs" "$fake/submitted"
}

# start [VARIABLE=value ...] [-- options of run]: as slurmd would start cpu.sbatch, in another folder than the sources.
start() {
    local settings=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        settings+=("$1")
        shift
    done
    [ $# = 0 ] || shift
    cp "$scripts/${batch:-cpu.sbatch}" "$fake/slurm_script"
    code=0
    (cd "${from:-$fake/home}" && exec env GATESWEEP="$temp/bin/gatesweep" GATESWEEP_SLURM="$scripts" SLURM_SUBMIT_DIR="$fake/home" SLURM_JOB_ID=7 SLURM_NTASKS=4 \
        SLURM_NNODES=2 "SLURM_JOB_NODELIST=n[1-2,4]" SLURM_CPUS_PER_TASK=1 "${settings[@]}" bash "$fake/slurm_script" "${arguments[@]}" "$@") \
        > "$fake/log" 2>&1 || code=$?
}

wrong() {
    ((++failures))
    echo "FAILED  $name: $*"
    sed 's/^/        | /' "$fake/log"
}
ends_with() { [ "$code" = "$1" ] || wrong "exit code $code, not $1"; }
says() { grep -qF -- "$1" "$fake/log" || wrong "does not say \"$1\""; }
holds() { grep -qF -- "$2" "$fake/$1" || wrong "$1 has no \"$2\" but: $(cat "$fake/$1")"; }
requeues() { [ "$(wc -l < "$fake/requeued")" = "$1" ] || wrong "$(wc -l < "$fake/requeued") requeues, not $1"; }
runs() { [ "$(wc -l < "$fake/runs")" = "$1" ] || wrong "$(wc -l < "$fake/runs") runs, not $1"; }

case_of "a complete run"
echo 0 > "$fake/code"; echo 0 > "$fake/status"
start -- --set a.b=1
ends_with 0; requeues 0; says "complete: $fake/home/out"
holds launched "srun --mpi=pmix --kill-on-bad-exit=1 --cpus-per-task=1 $temp/bin/gatesweep run $fake/job.toml --out $fake/home/out --set parallel.threads=1 --set a.b=1"

case_of "stopped cleanly"
start
ends_with 75; requeues 1; holds requeued 7; says "requeued: 40 records, 0 before"
holds home/out.starts.csv ',7,0,"n[1-2,4]",75,75,0,40,requeue'

case_of "a rank was killed"
echo 137 > "$fake/code"
start
ends_with 75; requeues 1

case_of "another start says whether all is done"
echo 137 > "$fake/code"; echo 0 > "$fake/status"
start
requeues 1

case_of "the last task of an array"
start SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=3
holds requeued 7_3

case_of "no progress"
: > "$fake/next_records"
echo 137 > "$fake/code"
start; start; requeues 2
start SLURM_RESTART_COUNT=2
ends_with 137; requeues 2; says "3 starts in a row committed nothing (0 records)"
start SLURM_JOB_ID=8
requeues 3

case_of "progress in between"
for records in 0 0 5 5 5 6 6 6; do
    echo "$records" > "$fake/next_records"
    start
done
requeues 8
echo 6 > "$fake/next_records"
start
requeues 8; says "3 starts in a row"

case_of "progress that no decision saw: a node failed"
echo 3 > "$fake/next_records"
start
: > "$fake/next_records"
start; requeues 2
echo 9 > "$fake/records"
start; start; requeues 4
start; start; requeues 5; says "stopping"

case_of "an end to requeues"
for records in 1 2 3; do
    echo "$records" > "$fake/next_records"
    start MAX_REQUEUES=2
done
ends_with 75; requeues 2; says "MAX_REQUEUES"

case_of "requeueing is not wanted"
start REQUEUE=no
ends_with 75; requeues 0; says "the same sbatch command goes on"

case_of "the site does not allow it"
echo 1 > "$fake/requeue_code"
start
ends_with 75; says "scontrol does not requeue this job"
holds home/out.starts.csv ,stop

for refused in 64 65 66 69 70 73 78; do
    case_of "gatesweep refuses with $refused"
    echo $refused > "$fake/code"
    start
    ends_with $refused; requeues 0; says "refused"
done

case_of "a number of steps that no start before used"
start SLURM_RESTART_COUNT=2
[ "$(grep -c ' true$' "$fake/launched")" = 2 ] || wrong "launched $(cat "$fake/launched")"
start SLURM_RESTART_COUNT=2 LAUNCH=mpirun
[ "$(grep -c ' true$' "$fake/launched")" = 2 ] || wrong "launched $(cat "$fake/launched")"

case_of "the folder's lock, after a node failed"
echo 73 > "$fake/code"
start SLURM_RESTART_COUNT=1
requeues 1

case_of "nothing was begun"
echo 127 > "$fake/code"; echo 66 > "$fake/status"
start
ends_with 127; requeues 0; says "nothing to go on from"

# asked SIGNAL: sends it to the batch script alone, as Slurm does, once the program runs.
asked() {
    touch "$fake/runs_until_asked"
    start &
    local script=$! found
    for _ in $(seq 500); do
        [ ! -e "$fake/running" ] || break
        sleep 0.02
    done
    found=$(pgrep -f "bash $fake/slurm_script" | head -n 1)
    kill "-$1" "$found"
    wait "$script"
}

case_of "USR1 in the middle"
asked USR1
holds signals soft; requeues 1; says "USR1: asking the ranks to commit"; says "the launcher ended with 75"

case_of "USR1 before anything was written"
echo 66 > "$fake/status"; echo 138 > "$fake/code"
asked USR1
requeues 1

case_of "TERM from a batch system that goes on"
asked TERM
holds signals soft; requeues 1

for state in CANCELLED PREEMPTED COMPLETING; do
    case_of "TERM to a job that is $state"
    echo "JobId=7 JobName=x JobState=$state Reason=None" > "$fake/show"
    asked TERM
    requeues 0; says "Slurm ends this job ($state)"
done

case_of "TERM at the time limit"
echo "JobId=7 JobName=x JobState=TIMEOUT Reason=None" > "$fake/show"
asked TERM
requeues 1

case_of "no PMIx"
echo none pmi2 > "$fake/mpi"
start
says "launcher: mpirun"; holds launched "mpirun --bind-to none -n 4 "
start LAUNCH=srun
ends_with 69; says "does not offer --mpi=pmix"
start MPI_TYPE=pmi2
holds launched "srun --mpi=pmi2"

case_of "srun --mpi=none"
start LAUNCH=srun MPI_TYPE=none
ends_with 64; says "--mpi=none starts every rank as a program of its own"; runs 0
start LAUNCH=ssh
ends_with 64; says "LAUNCH=ssh: use srun, mpirun or auto"

case_of "more ranks than cores"
start SLURM_CPUS_PER_TASK=4096
says "ranks yield while they wait"

case_of "arguments"
arguments=(../job.toml)
start
ends_with 64; says "DIR is missing"
arguments=(../nowhere.toml out)
start
ends_with 66; says "../nowhere.toml: there is no such job file (looked for from $fake/home"
arguments=(../job.toml out)
start GATESWEEP="$fake/nothing"
ends_with 66; says "no program that can be started"
start SITE="$fake/nothing"
ends_with 66; says "SITE=$fake/nothing cannot be read"
echo 'export NCCL_DEBUG=INFO MODEL=../weights' > "$fake/site"
start SITE="$fake/site"
holds launched "--set model.path=$fake/weights"

case_of "a job of the repository"
arguments=("$scripts/../jobs/demo/demo.toml" out)
start
ends_with 75; holds launched "--out $fake/home/out"

# ---- staging ----------------------------------------------------------------------------------------------------------

case_of "staging"
mkdir "$fake/weights"
head -c 3000 /dev/urandom > "$fake/weights/a.safetensors"
echo '{}' > "$fake/weights/config.json"
start STAGE="$fake/disk"
ends_with 64; says "without MODEL"
start STAGE="$fake/disk" MODEL="../weights"
ends_with 75; says "copied 0.00 GB"; holds launched "srun --mpi=none --ntasks=2 --ntasks-per-node=1"
copy=$(echo "$fake"/disk/weights-*)
cmp -s "$fake/weights/a.safetensors" "$copy/a.safetensors" || wrong "the copy differs"
holds launched "--set model.path=$copy"
start STAGE="$fake/disk" MODEL="../weights"
says "re-using $copy"
truncate -s 10 "$copy/a.safetensors"
start STAGE="$fake/disk" MODEL="../weights"
says "copied"
cmp -s "$fake/weights/a.safetensors" "$copy/a.safetensors" || wrong "a damaged copy was kept"
sleep 0.01
head -c 3000 /dev/urandom > "$fake/weights/a.safetensors"
start STAGE="$fake/disk" MODEL="../weights"
says "copied"
cmp -s "$fake/weights/a.safetensors" "$copy/a.safetensors" || wrong "an old version was kept"
start STAGE="$fake/disk" MODEL="../nowhere"
ends_with 66; requeues 3; says "staging failed"
start STAGE=/proc/nothing MODEL="../weights"
ends_with 73; says "/proc/nothing"

# ---- arrays -----------------------------------------------------------------------------------------------------------

# submit LIST: the text of a list, as a user would submit it.
submit() {
    printf '%s\n' "$1" > "$fake/list"
    code=0
    (cd "$fake" && bash "$scripts/submit-array.sh" list sweep --partition=p --nodes=2) > "$fake/log" 2>&1 || code=$?
}

case_of "an array"
submit "# two runs
small job.toml --set sweep.sizes=[1,2]

large  job.toml --set 'report.title=Two words'   # the other"
ends_with 0; says "array     101: 2 runs"; says "collect   102"
holds submitted "sbatch --parsable --array=1-2 --output=$fake/sweep/logs/%a-%A.log --partition=p --nodes=2"
holds submitted "sbatch --parsable --dependency=afterany:101 --output=$fake/sweep/logs/collect-%j.log --partition=p "
arguments=("$fake/list" "$fake/sweep")
from=$fake batch=array.sbatch start SLURM_ARRAY_JOB_ID=101 SLURM_ARRAY_TASK_ID=2
ends_with 75; holds requeued 101_2; holds launched "--out $fake/sweep/large --set parallel.threads=1 --set report.title=Two words"

mkdir -p "$fake"/sweep/{small,large}/tables
printf 'trial_id,name\n1,"two\nlines"\n2,x\n' | tee "$fake/sweep/small/tables/trials.csv" > "$fake/sweep/large/tables/trials.csv"
batch=collect.sbatch start
ends_with 75; says "small: resumable"
echo 0 > "$fake/status"
batch=collect.sbatch start
ends_with 0
holds sweep/runs.csv large,complete,0,40
printf 'run,trial_id,name\nsmall,1,"two\nlines"\nsmall,2,x\nlarge,1,"two\nlines"\nlarge,2,x\n' | cmp -s - "$fake/sweep/tables/trials.csv" ||
    wrong "collected $(cat "$fake/sweep/tables/trials.csv")"
holds sweep/comparisons/small-large.txt "compared $fake/sweep/small $fake/sweep/large"
echo 66 > "$fake/status"
batch=collect.sbatch start
ends_with 66; holds sweep/runs.csv small,missing,66

case_of "wrong lists"
submit ""; ends_with 65; says "holds no run"
submit "only"; ends_with 65; says '"only" has no job file'
submit "a/b job.toml"; ends_with 65; says '"a/b" cannot name a folder'
submit "a job.toml 'open"; ends_with 65; says "a quote without its end"
submit "a nowhere.toml"; ends_with 66; says "nowhere.toml, of a, is not there"
submit "a job.toml
a job.toml"; ends_with 65; says '"a" stands there twice'
[ ! -s "$fake/submitted" ] || wrong "submitted all the same"

if command -v shellcheck > /dev/null; then
    case_of "shellcheck"
    (cd "$here/../.." && shellcheck -x slurm/*.sh slurm/*.sbatch tests/slurm/*.sh) > "$fake/log" || wrong "finds fault"
fi
echo "$cases cases, $failures failures"
[ $failures = 0 ]
