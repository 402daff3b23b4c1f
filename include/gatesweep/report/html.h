// report.html: one self-contained page about a run, for a reader who has not read the code.
#pragma once

#include <filesystem>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

// Writes <run>/report.html from the run's tables, figures/*.svg, job.toml, and, where they are there, manifest.json and
// timings.csv. The page needs no network and no other file: styles, script, figures and every row of every table are in
// it. All text of the user's is escaped. A figure that was not drawn is said to be missing.
// Errors: as read_run; bad_data for a manifest.json that is not JSON; io or cannot_create when the page cannot be
// saved.
void write_report_html(RunView const& run);
void write_report_html(std::filesystem::path const& run_folder);

}  // namespace gatesweep
