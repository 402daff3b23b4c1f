// Everything that all ranks must hold alike, compared before work that would mix it. All are collective; errors name
// the odd ranks (comm/agreement.h).
#pragma once

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/input/job.h"
#include "gatesweep/model/weights.h"
#include "gatesweep/run/job_request.h"
#include "gatesweep/run/machine.h"

namespace gatesweep {

// The program, its command line and its GATESWEEP_ settings; the first thing of all. Error: unavailable.
void require_same_build(Communicator const& world, JobRequest const& request);

// The small files of the checkpoint folder, and those of the adapter, as each rank finds them: a copy on a node's own
// disk may be another. bad_data.
void require_same_model(Communicator const& world, ModelSpec const& model);

// Instruction set, matrix kernel, type, device: what numerics_id holds together. Error: unavailable.
void require_same_numerics(Communicator const& world, Machine const& machine);

// The weights that each rank has read: dense ones by every rank, experts by their owners in each copy. Error: bad_data.
void require_same_weights(ParallelLayout const& layout, WeightDigests const& digests);

}  // namespace gatesweep
