// A checkpoint with an adapter added to its weights, as a checkpoint of its own.
#pragma once

#include <filesystem>

#include "gatesweep/model/adapter.h"

namespace gatesweep {

// Writes `out` as a copy of the checkpoint in `folder`: the same shards with the same headers, the same small files,
// and in the adapted matrices W + scale B A, as a job with this adapter computes it, rounded to the type that the
// checkpoint stores. A job on it gives the same bytes as one with the adapter where it computes in the type that is
// stored, or that is float32. Pickled weights are not copied.
//
// Memory holds one matrix. `out` is there whole or not at all: it is written beside itself, as out.part, and renamed.
// Errors: those of the checkpoint; cannot_create where `out` is there already, io; bad_data for weights in MXFP4, whose
// blocks cannot hold the sum, and for sums that the stored type cannot hold.
void merge_checkpoint(std::filesystem::path const& folder, Adapter const& adapter, std::filesystem::path const& out);

}  // namespace gatesweep
