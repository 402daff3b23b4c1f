#!/usr/bin/env bash
# How many processors this process may use. nproc alone obeys OMP_NUM_THREADS, which clusters set to 1.
env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc
