# Settings of a site. Copy to slurm/site.sh (or name a copy with SITE=/path), uncomment what is yours. Every batch file reads
# it before anything runs. Account and partition: on sbatch's command line, or SBATCH_ACCOUNT and SBATCH_PARTITION in the
# shell. None of this is needed on one node. The values are the sites' own advice; `NCCL_DEBUG=INFO` shows what was taken.
# shellcheck shell=bash

# The modules that gatesweep was built with:
# module load gcc openmpi cuda

# How ranks are started, where srun's default is not right for your MPI:
# LAUNCH=mpirun
# MPI_TYPE=cray_shasta

# Any cluster: the network between nodes. Without it NCCL may take a slow or a dead one ("^": all but these).
# export NCCL_SOCKET_IFNAME=^lo,docker
# export OMPI_MCA_btl_tcp_if_exclude=lo,docker0

# OLCF Frontier (Slingshot; where it hangs, hsn0 alone). Node disk: sbatch -C nvme, STAGE=/mnt/bb/$USER
# export NCCL_SOCKET_IFNAME=hsn0,hsn1,hsn2,hsn3 NCCL_NET=OFI NCCL_CROSS_NIC=1 NCCL_NET_GDR_LEVEL=PHB

# LUMI (Slingshot)
# export NCCL_SOCKET_IFNAME=hsn NCCL_NET_GDR_LEVEL=3

# NERSC Perlmutter: sbatch -C gpu. GPUs that are hidden from their neighbours break CUDA-aware MPI there. (Elsewhere leave
# binding alone: in Slurm 22.05 "none" leaves CUDA_VISIBLE_DEVICES unset, also where others use GPUs of the node.)
# export SLURM_GPU_BIND=none NCCL_SOCKET_IFNAME=hsn NCCL_NET="AWS Libfabric" FI_CXI_DISABLE_HOST_REGISTER=1

# ALCF Polaris (its batch system is PBS; the settings are those of the same network)
# export NCCL_NET="AWS Libfabric" NCCL_CROSS_NIC=1 NCCL_COLLNET_ENABLE=1 NCCL_NET_GDR_LEVEL=PHB
# export FI_CXI_DISABLE_HOST_REGISTER=1 FI_MR_CACHE_MONITOR=userfaultfd

# JSC (InfiniBand; every rank sees all GPUs). Ranks find each other through MPI: no MASTER_ADDR is needed
# export CUDA_VISIBLE_DEVICES=0,1,2,3 NCCL_SOCKET_IFNAME=ib0
