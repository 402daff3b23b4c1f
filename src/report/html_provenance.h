// Private to report: where the results come from.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

// manifest.json and timings.csv, read with tolerance: what is absent is "not recorded".
struct Provenance {
    std::string notice;        // that these results were made anew from a run's measurements; else empty
    std::string summary_rows;  // <dt><dd> pairs for "What was run"
    std::string section;
};

Provenance provenance(RunView const& run);

}  // namespace gatesweep
