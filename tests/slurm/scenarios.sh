# Read by run.sh: what must hold for a user of the batch files. A scenario works in $work, its run's folder is $out; it says
# what is wrong with `wrong`.
# shellcheck shell=bash disable=SC2154,SC2034 # what run.sh sets, and reads
scenarios=(srun mpirun across_nodes soft_stop node_failure preemption no_progress killed_rank array staging wrong_job gpus no_pmix cancelled)
# By name alone, since Slurm looks at time limits every half minute: time_limit

cpu() { submit "${over_nodes[@]}" "$@"; }

scenario_srun() {
    submit --nodes=2 --ntasks-per-node=2 --cpus-per-task=1 "$root/slurm/cpu.sbatch" "$small_job" out
    until_ended
    ended_as COMPLETED 0 0
    says "srun --mpi=pmix"
    says "4 ranks = 4 copies"
    same_bytes
}

scenario_mpirun() {
    LAUNCH=mpirun submit --nodes=2 --ntasks-per-node=2 --cpus-per-task=1 "$root/slurm/cpu.sbatch" "$small_job" out
    until_ended
    ended_as COMPLETED 0 0
    says "mpirun --bind-to none -n 4"
    says "4 ranks = 4 copies"
    same_bytes
}

# Experts spread over the nodes. The signals alone, since exchanging tokens takes long where ranks share cores.
scenario_across_nodes() {
    cpu "$root/slurm/cpu.sbatch" "$small_job" out --set parallel.expert_parallel=2 --set sweep.enabled=false \
        --set signals.batch_tokens=8192
    until_ended
    ended_as COMPLETED 0 0
    says "2 ranks = 1 copy x expert parallel 2"
    local array
    for array in activation_counts gradient_scores; do
        cmp "$out/arrays/$array.npy" "$temp/reference/arrays/$array.npy" || wrong "$array differs"
    done
}

scenario_soft_stop() {
    local launcher
    for launcher in srun mpirun; do
        out=$work/$launcher
        LAUNCH=$launcher cpu "$root/slurm/cpu.sbatch" "$small_job" "$launcher"
        until_records
        scancel --batch --signal=USR1 "$job"
        wait_until 150 restarted || wrong "$launcher: not requeued"
        until_ended
        ended_as COMPLETED 0 1
        says "the launcher ended with 75, gatesweep status with 75"
        says "resume"
        same_bytes
    done
}

scenario_time_limit() {
    cpu --time=1 --signal=B:USR1@45 "$root/slurm/cpu.sbatch" "$small_job" out --set sweep.controls.random=40 --set sweep.max_new_tokens=32
    wait_until 120 restarted || wrong "not requeued: $(field JobState)"
    says "USR1: asking the ranks"
    says "requeued:"
    says "the launcher ended with 75, gatesweep status with 75"
}

scenario_node_failure() {
    cpu "$root/slurm/cpu.sbatch" "$small_job" out
    until_records
    log "node2 fails: $("$here/cluster.sh" fail node2 2>&1)"
    wait_until 150 restarted || wrong "not requeued: $(field JobState) $(sinfo -h -N -o '%N %t' | sort -u | tr '\n' ' ')"
    "$here/cluster.sh" repair node2
    until_ended
    ended_as COMPLETED 0 1
    says "resume"
    same_bytes
}

scenario_preemption() {
    cpu --partition=work "$root/slurm/cpu.sbatch" "$small_job" out
    until_records
    local urgent
    urgent=$(sbatch --parsable --partition=urgent --nodes=2 --exclusive --output="$work/urgent.log" --wrap 'sleep 1')
    wait_until 150 restarted || wrong "not preempted: $(field JobState)"
    until_ended
    ended_as COMPLETED 0 1
    says "resume"
    same_bytes
}

scenario_no_progress() {
    # Dies whenever it is about to commit something.
    cat > "$work/gatesweep" << END
#!/usr/bin/env bash
[ "\$1" != run ] || export GATESWEEP_FAULTS=crash_before@0+:work-
exec "$program" "\$@"
END
    chmod +x "$work/gatesweep"
    GATESWEEP=$work/gatesweep cpu "$root/slurm/cpu.sbatch" "$small_job" out
    until_ended 240
    [ "$(field JobState) $(field Restarts)" = "FAILED 2" ] || wrong "ended $(field JobState) after $(field Restarts) restarts, not FAILED after 2"
    says "3 starts in a row committed nothing (0 records)"
}

scenario_killed_rank() {
    local launcher rank
    for launcher in srun mpirun; do
        out=$work/$launcher
        LAUNCH=$launcher cpu "$root/slurm/cpu.sbatch" "$small_job" "$launcher"
        until_records
        for rank in /proc/[0-9]*; do
            [ "$(readlink "$rank/exe")" = "$(realpath "$program")" ] || continue
            tr '\0' ' ' < "$rank/cmdline" | grep -qF " run $small_job --out $out" || continue
            log "killing ${rank#/proc/}"
            kill -9 "${rank#/proc/}"
            break
        done
        wait_until 150 restarted || wrong "$launcher: not requeued: $(field JobState)"
        until_ended
        ended_as COMPLETED 0 1
        same_bytes
    done
}

scenario_array() {
    printf '%s\n' "# two runs of one job" "plain $small_job" "large $small_job --set signals.batch_tokens=8192" > "$work/list"
    (cd "$work" && "$root/slurm/submit-array.sh" list sweep --nodes=2 --ntasks-per-node=1 --cpus-per-task=1) > "$work/submitted.log" 2>&1 ||
        wrong "not submitted: $(cat "$work/submitted.log")"
    local array collect
    array=$(sed -n 's/^array *\([0-9]*\).*/\1/p' "$work/submitted.log")
    collect=$(sed -n 's/^collect *\([0-9]*\).*/\1/p' "$work/submitted.log")
    # The last task has the number of the whole array: it alone must be requeued.
    job=${array}_2
    out=$work/sweep/large
    until_records
    scancel --batch --signal=USR1 "$job"
    wait_until 150 restarted || wrong "the second task is not requeued"
    until_ended
    ended_as COMPLETED 0 1
    same_bytes
    job=${array}_1
    out=$work/sweep/plain
    until_ended
    ended_as COMPLETED 0 0
    same_bytes
    job=$collect
    until_ended
    ended_as COMPLETED 0 0
    grep -q '^large,complete,0,' "$work/sweep/runs.csv" || wrong "runs.csv says $(cat "$work/sweep/runs.csv")"
    [ "$(grep -c '^plain,' "$work/sweep/tables/trials.csv")" = "$(grep -c '^large,' "$work/sweep/tables/trials.csv")" ] ||
        wrong "tables/trials.csv does not hold both runs"
    [ -s "$work/sweep/comparisons/plain-large.txt" ] || wrong "the runs are not compared"
}

scenario_staging() {
    MODEL=$root/jobs/demo/model STAGE=/mnt/weights cpu "$root/slurm/cpu.sbatch" "$small_job" out
    until_records
    scancel --batch --signal=USR1 "$job"
    wait_until 150 restarted || wrong "not requeued"
    until_ended
    ended_as COMPLETED 0 1
    same_bytes
    local node
    for node in node1 node2; do
        says "$node: copied"
        says "$node: re-using /mnt/weights"
        cmp "$root/jobs/demo/model/model-00001-of-00003.safetensors" "$GATESWEEP_CLUSTER/$node"/local/weights/model-*/model-00001-of-00003.safetensors ||
            wrong "$node has no copy, or another one"
    done
}

scenario_wrong_job() {
    sed "s/^classes/clases/; s#\"\(jobs\|prompts\)/#\"$root/\1/#" "$small_job" > "$work/job.toml"
    cpu "$root/slurm/cpu.sbatch" job.toml out
    until_ended
    ended_as FAILED 78 0
    says "clases"
    says "stopping with exit code 78"
}

scenario_gpus() {
    local file launcher
    for file in gpu gpu-nodes; do
        (cd "$work" && sbatch --test-only --nodes=2 --ntasks-per-node=2 --gpus-per-node=2 --cpus-per-task=1 "$root/slurm/$file.sbatch" "$small_job" out) \
            >> "$transcript" 2>&1 || wrong "$file.sbatch is not accepted"
        ! (cd "$work" && sbatch --test-only "$root/slurm/$file.sbatch" "$small_job" out) >> "$transcript" 2>&1 ||
            wrong "$file.sbatch asks for no more than the two GPUs of a node"
    done
    # Every rank must see all GPUs of its node, and know which of the node's ranks it is.
    cat > "$work/gatesweep" << 'END'
#!/usr/bin/env bash
[ "$1" = run ] || exit 66
echo "rank $(hostname) ${OMPI_COMM_WORLD_LOCAL_RANK:-$SLURM_LOCALID} sees ${CUDA_VISIBLE_DEVICES:-none}"
END
    chmod +x "$work/gatesweep"
    for launcher in srun mpirun; do
        GATESWEEP=$work/gatesweep LAUNCH=$launcher submit --nodes=2 --ntasks-per-node=2 --gpus-per-node=2 --cpus-per-task=1 "$root/slurm/gpu-nodes.sbatch" "$small_job" out
        until_ended
        local seen
        seen=$(grep '^rank' "$work/gatesweep-$job.log" | sort | tr '\n' ';')
        [ "$seen" = "rank node1 0 sees 0,1;rank node1 1 sees 0,1;rank node2 0 sees 0,1;rank node2 1 sees 0,1;" ] ||
            wrong "$launcher: $seen"
    done
}

scenario_no_pmix() {
    LAUNCH=srun MPI_TYPE=none cpu "$root/slurm/cpu.sbatch" "$small_job" out
    until_ended
    ended_as FAILED 64 0
    says "error: srun --mpi=none starts every rank as a program of its own"
    [ ! -e "$out" ] || wrong "something was started all the same"
}

# A job that its user cancels must not come back.
scenario_cancelled() {
    cpu "$root/slurm/cpu.sbatch" "$small_job" out
    until_records
    scancel "$job"
    wait_until 60 is CANCELLED || wrong "not cancelled: $(field JobState)"
    sleep 6
    [ "$(field JobState) $(field Restarts)" = "CANCELLED 0" ] || wrong "came back: $(field JobState) after $(field Restarts) restarts"
}
