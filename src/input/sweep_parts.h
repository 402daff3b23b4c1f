// The tables below [sweep].
#pragma once

#include <cmath>
#include <string_view>
#include <vector>

#include "gatesweep/input/job.h"
#include "gatesweep/input/toml_section.h"
#include "job_parts.h"
#include "toml_text.h"

namespace gatesweep {

// Router logits are float32 of a few tens at most; what is far beyond is a slip, and infinity would break softmax.
inline bool is_dose(double value) {
    return value != 0.0 && std::abs(value) <= 1e6;
}
constexpr std::string_view dose_rule = "numbers other than 0, at most 1e6 either way";

constexpr std::int64_t any_size = 1'000'000;  // of a set of experts

LabelsSpec read_labels(Section const& sweep, InputPlaces const& places);
ScreenSpec read_screen(Section const& sweep);
// `scores`: what the sets of a trial may be chosen by.
std::vector<CustomTrial> read_custom_trials(Section const& sweep, InputPlaces const& places,
                                            ScoreParameters const& scores);

}  // namespace gatesweep
