// [scores] of a job.
#pragma once

#include "job_parts.h"

namespace gatesweep {

// Imported tables are providers, and so are pairs where there are some, whether or not the section names them. Without
// providers the section says nothing, and is dropped.
ScoreParameters read_scores(Section const& top, bool has_pairs, InputPlaces const& places);
// What the section takes from the rest of the job: openings that it does not name are those of [sweep.screen]. Errors:
// ExitCode::job where a provider needs some and there are none.
void complete_scores(Section const& top, Job& job);

// As TOML; empty without providers.
std::string scores_text(ScoreParameters const& scores);

}  // namespace gatesweep
