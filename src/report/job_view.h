// Private to report: job.toml of a run folder.
#pragma once

#include <filesystem>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

// A key that is absent keeps its default; text that is not TOML is bad_data.
JobView read_job_view(std::filesystem::path const& file);

}  // namespace gatesweep
