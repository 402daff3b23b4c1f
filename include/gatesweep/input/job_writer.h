// A job as the text that says everything, defaults too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/base/settings.h"
#include "gatesweep/input/job.h"
#include "gatesweep/terms/analysis_parameters.h"
#include "gatesweep/terms/edit_mode.h"

namespace gatesweep {

// The resolved job as TOML: every default written out; load_job of it gives an equal Job (its name apart).
std::string to_toml(Job const& job);

}  // namespace gatesweep
