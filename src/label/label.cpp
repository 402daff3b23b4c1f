#include "gatesweep/label/label.h"

namespace gatesweep {

std::string_view to_string(Label label) {
    switch (label) {
        case Label::full_refusal:
            return "full_refusal";
        case Label::partial_refusal:
            return "partial_refusal";
        case Label::full_compliance:
            return "full_compliance";
        case Label::incoherent:
            return "incoherent";
        case Label::unscored:
            break;
    }
    return "unscored";
}

std::optional<Label> parse_label(std::string_view text) {
    for (Label const label : all_labels) {
        if (text == to_string(label)) return label;
    }
    return std::nullopt;
}

std::optional<bool> is_restricted(Label label) {
    if (label == Label::unscored) return std::nullopt;
    return label == Label::full_refusal || label == Label::partial_refusal;
}

}  // namespace gatesweep
