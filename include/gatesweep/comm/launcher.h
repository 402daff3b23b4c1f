// What started this process (mpirun, srun, or a person) and what follows from it.
#pragma once

namespace gatesweep {

bool started_by_launcher();

// srun without a PMI that this MPI understands starts N programs that each believe to be alone. Error: unavailable.
void refuse_lonely_slurm_tasks();

// Ranks that outnumber the cores must yield while they wait: spinning makes a collective a thousand times slower.
// Before MPI starts.
void yield_when_oversubscribed();

// From now on the kernel kills this process when the launcher's daemon on this node ends, however it ends: a rank that
// outlives it would go on writing beside the next start of the same job.
void die_with_launcher();

}  // namespace gatesweep
