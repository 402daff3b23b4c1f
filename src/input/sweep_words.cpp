#include <algorithm>

#include "gatesweep/input/job.h"

namespace gatesweep {

std::string_view to_string(EditMode mode) {
    switch (mode) {
        case EditMode::mask:
            return "mask";
        case EditMode::zero:
            return "zero";
        case EditMode::zero_renormalise:
            return "zero-renormalise";
        case EditMode::steer:
            return "steer";
        case EditMode::bias:
            break;
    }
    return "bias";
}

std::string_view to_string(EditScope scope) {
    return scope == EditScope::prefill ? "prefill" : scope == EditScope::decode ? "decode" : "both";
}

std::string_view to_string(ControlMatch match) {
    return match == ControlMatch::size ? "size" : match == ControlMatch::layers ? "layers" : "traffic";
}

std::string_view to_string(LabelMethod method) {
    return method == LabelMethod::phrases ? "phrases" : "judge";
}

std::string_view to_string(MixedPairs mixed) {
    return mixed == MixedPairs::leave_out ? "leave-out" : "allow";
}

bool SweepSpec::watches(std::string_view group) const {
    auto const names = [&](std::vector<std::string> const& groups) {
        return std::find(groups.begin(), groups.end(), group) != groups.end();
    };
    return names(prompts) || names(side_effects);
}

}  // namespace gatesweep
