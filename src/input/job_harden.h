// [harden] of a job.
#pragma once

#include <string>

#include "gatesweep/input/job.h"
#include "gatesweep/input/toml_section.h"
#include "job_parts.h"

namespace gatesweep {

// Of the job `top`, whose prompts and scores are read already; adds the provider to the scores.
HardenSpec read_harden(Section const& top, Job& job, InputPlaces const& places);

// As read_harden reads it; empty where the job has none.
std::string harden_text(HardenSpec const& harden);

}  // namespace gatesweep
