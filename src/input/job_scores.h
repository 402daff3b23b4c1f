// [scores] of a job.
#pragma once

#include "job_parts.h"

namespace gatesweep {

// What else the job measures that scores come from.
struct ScoreSources {
    bool pairs = false;  // [[pairs]]
    bool audit = false;  // [audit]
};

// Imported tables are providers, and so are pairs where there are some, whether or not the section names them. Without
// providers the section says nothing but how many resamples an audit takes, and is dropped where there is none.
ScoreParameters read_scores(Section const& top, ScoreSources sources, InputPlaces const& places);
// What the section takes from the rest of the job: openings that it does not name are those of [sweep.screen]. Errors:
// ExitCode::job where a provider needs some and there are none.
void complete_scores(Section const& top, Job& job);

// As TOML; empty where it says nothing.
std::string scores_text(ScoreParameters const& scores);

}  // namespace gatesweep
