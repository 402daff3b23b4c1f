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

}  // namespace gatesweep
