#!/usr/bin/env bash
# A real Slurm cluster of small nodes on one machine, for the tests in this folder. Debian 12, root, no systemd needed.
#   cluster.sh up            writes the configuration, starts the daemons, waits until every node is idle
#   cluster.sh down          cancels the jobs and stops what `up` started
#   cluster.sh fail NODE     as when its power fails: from now on it is silent, but no connection is closed
#   cluster.sh repair NODE   as when it is started again
# Afterwards:  . "$GATESWEEP_CLUSTER/environment.sh"
# A node is a slurmd with a host name and a local disk (/mnt, seen by its jobs alone) of its own, so that MPI and the
# staging of weights take the nodes for different machines.
set -euo pipefail

folder=${GATESWEEP_CLUSTER:-/tmp/gatesweep-slurm-$(id -u)} # short: a socket's path has at most 107 characters
nodes=(node1 node2)
cores=2       # that each node claims to have
gpus=2        # and GPUs: copies of /dev/null, enough for Slurm's own accounting
port=17330    # of slurmctld; node i listens on port + i
patience=30   # seconds until every node must be idle
export SLURM_CONF=$folder/slurm.conf

die() {
    printf 'cluster   %s\n' "$*" >&2
    tail -n 4 "$folder"/*.log >&2 2> /dev/null || true
    exit 1
}

write_configuration() {
    local i
    rm -rf "$folder"
    mkdir -p "$folder"/{state,devices,empty}
    chmod 755 "$folder"
    head -c 128 /dev/urandom > "$folder/munge.key"
    chmod 600 "$folder/munge.key"
    : > "$folder/plugstack.conf"
    # Never used, but slurmd ends at once where it finds no cgroups and is not told which kind.
    echo 'CgroupPlugin=cgroup/v1' > "$folder/cgroup.conf"
    for ((i = 0; i < gpus; ++i)); do mknod -m 666 "$folder/devices/gpu$i" c 1 3; done
    echo "Name=gpu File=$folder/devices/gpu[0-$((gpus - 1))]" > "$folder/gres.conf"
    cat > "$SLURM_CONF" << CONFIGURATION
ClusterName=gatesweep
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/%n/spool
TmpFS=$folder/%n/tmp
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/%n.log
PlugStackConfig=$folder/plugstack.conf
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=1
SlurmdTimeout=10
KillWait=3
ReturnToService=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=work Nodes=ALL Default=YES MaxTime=UNLIMITED PriorityTier=1 PreemptMode=requeue
PartitionName=urgent Nodes=ALL MaxTime=UNLIMITED PriorityTier=10 PreemptMode=off
CONFIGURATION
    for ((i = 0; i < ${#nodes[@]}; ++i)); do
        mkdir -p "$folder/${nodes[i]}"/{spool,tmp,local}
        echo "NodeName=${nodes[i]} NodeAddr=127.0.0.1 Port=$((port + i + 1)) CPUs=$cores RealMemory=4000 Gres=gpu:$gpus"
    done >> "$SLURM_CONF"
    cat > "$folder/environment.sh" << ENVIRONMENT
export SLURM_CONF=$SLURM_CONF
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# All nodes share one machine's cores, which no rank can know.
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo OMPI_MCA_btl_vader_single_copy_mechanism=none
ENVIRONMENT
}

# alive NAME: the process of NAME.pid runs, and is one of this cluster (numbers are used again).
alive() {
    local process
    process=$(cat "$folder/$1.pid" 2> /dev/null) && [ -n "$process" ] &&
        tr '\0' ' ' < "/proc/$process/cmdline" 2> /dev/null | grep -qF "$folder"
}

stop() {
    local i
    alive "$1" || return 0
    kill "$(cat "$folder/$1.pid")" 2> /dev/null || true
    for ((i = 0; i < 100; ++i)); do
        alive "$1" || return 0
        sleep 0.05
    done
    kill -9 "$(cat "$folder/$1.pid")" 2> /dev/null || true
}

start_node() {
    # shellcheck disable=SC2016 # expands inside
    unshare --uts --mount --propagation slave bash -c '
        hostname "$1" && readlink /proc/$$/ns/uts > "$2/$1.names" && mount --bind "$2/$1/local" /mnt && exec slurmd -f "$2/slurm.conf" -N "$1"' - "$1" "$folder" ||
        die "slurmd of $1 did not start"
}

# processes_of NODE: all that runs on it: what has its host name and knows this cluster.
processes_of() {
    local process
    for process in /proc/[0-9]*; do
        { readlink "$process/ns/uts" | cmp -s - "$folder/$1.names" && grep -qF "$folder" "$process/environ"; } 2> /dev/null || continue
        echo "${process#/proc/}"
    done
}

all_idle() { [ "$(timeout 5 sinfo -h -N -p work -o %t 2> /dev/null | grep -c '^idle$')" = ${#nodes[@]} ]; }

up() {
    local name deadline
    for name in munged slurmctld slurmd sbatch srun mpirun; do
        command -v $name > /dev/null || die "$name is missing: apt-get install slurmctld slurmd slurm-client munge openmpi-bin"
    done
    [ "$(id -u)" = 0 ] || die "only root can start nodes"
    [ ! -d "$folder" ] || down
    write_configuration
    munged --force --socket="$folder/munge.socket" --key-file="$folder/munge.key" --pid-file="$folder/munged.pid" \
        --log-file="$folder/munged.log" --seed-file="$folder/state/munged.seed" 2> /dev/null || die "munged did not start"
    slurmctld -f "$SLURM_CONF" || die "slurmctld did not start"
    for name in "${nodes[@]}"; do start_node "$name"; done
    deadline=$((SECONDS + patience))
    until all_idle; do
        ((SECONDS < deadline)) || die "not every node is idle: $(sinfo -N -o '%N %T %E' 2>&1 | tr '\n' ' ')"
        sleep 0.05
    done
}

down() {
    local i name
    if alive slurmctld; then
        timeout 10 scancel --user="$(id -un)" 2> /dev/null || true
        for ((i = 0; i < 100; ++i)); do
            [ -n "$(timeout 5 squeue -h 2> /dev/null)" ] || break
            sleep 0.1
        done
    fi
    for name in "${nodes[@]}" slurmctld munged; do stop "$name"; done
    for name in "${nodes[@]}"; do processes_of "$name" | xargs -r kill -9 2> /dev/null || true; done
}

case ${1:-} in
    up) up ;;
    down) down ;;
    fail)
        processes_of "$2" | xargs -r kill -STOP
        kill -9 "$(cat "$folder/$2.pid")"
        ;;
    repair)
        processes_of "$2" | xargs -r kill -9
        start_node "$2"
        ;;
    *)
        echo "usage: $0 up | down | fail NODE | repair NODE" >&2
        exit 64
        ;;
esac
