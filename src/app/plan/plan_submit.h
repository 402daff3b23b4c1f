// The command that submits a job to Slurm, with slurm/cpu.sbatch or slurm/gpu.sbatch and what they need to be told.
#pragma once

#include <cstdint>
#include <string>

#include "app/options.h"
#include "gatesweep/input/job.h"
#include "plan_memory.h"

namespace gatesweep {

// A word for the shell, quoted where it must be.
std::string shell_word(std::string const& word);

// seconds: what the work was reckoned to take; 0: not known, the batch file's own limit holds.
// The file's path is the one from the repository's root; paths of job and results are as given.
std::string sbatch_line(Options const& options, Job const& job, std::int64_t num_ranks, RankMemory const& memory,
                        double seconds);

}  // namespace gatesweep
