// [[pairs]] of a job: conversations in twos.
#pragma once

#include <string>
#include <vector>

#include "gatesweep/input/job.h"
#include "gatesweep/input/toml_section.h"
#include "job_parts.h"

namespace gatesweep {

std::vector<PairSource> read_pair_sources(Section const& top, InputPlaces const& places);

// As read_pair_sources reads it.
std::string pair_source_text(PairSource const& source);

}  // namespace gatesweep
