// The reader of [sweep].
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/input/job.h"
#include "gatesweep/input/toml_section.h"
#include "job_parts.h"

namespace gatesweep {

// [sweep] of the job `top`, whose prompts and analysis are read already.
SweepSpec read_sweep(Section const& top, Job const& job, InputPlaces const& places);

}  // namespace gatesweep
