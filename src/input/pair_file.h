// A file whose rows hold both conversations of a pair (SteerMoE's layout): JSONL or a JSON list, plain or .gz.
#pragma once

#include "pair_rows.h"

namespace gatesweep {

// Of source.file, at most source.limit rows. Errors: bad_data with file and row.
PairRows read_pair_file(PairSource const& source);

}  // namespace gatesweep
