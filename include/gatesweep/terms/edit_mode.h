// The ways in which a trial edits the router, and the words for them. One table: what reads a job, plans a sweep or
// writes a table takes from it what a mode needs.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace gatesweep {

// What an edited expert meets in the router, in float32 (ops/router_edits.h says exactly what).
//   mask              its logit is -inf before softmax and top-k: the next best takes the slot
//   zero              chosen as ever, its term dropped, the other weights as they were
//   zero_renormalise  the same, the other weights scaled to sum 1
//   steer             SteerMoE: on log-softmax, activated experts get max + 0.01, deactivated ones min - 0.01
//   bias              a number added to its logit
enum class EditMode { mask, zero, zero_renormalise, steer, bias };

// What an edit's value is: nothing (always 1), a sign (+1 activate, -1 deactivate), or a dose (added to the logit).
enum class EditValue { none, sign, dose };

struct EditModeFacts {
    EditMode mode = EditMode::mask;
    std::string_view word;  // in jobs and tables
    std::string_view done;  // what was done to an expert, in a sentence
    EditValue value = EditValue::none;
    bool takes_away = false;  // edited experts cannot be chosen: a layer must keep enough of the others
};

inline constexpr std::array edit_modes = {
    EditModeFacts{EditMode::mask, "mask", "suppressed", EditValue::none, true},
    EditModeFacts{EditMode::zero, "zero", "zeroed", EditValue::none, false},
    EditModeFacts{EditMode::zero_renormalise, "zero-renormalise", "zeroed", EditValue::none, false},
    EditModeFacts{EditMode::steer, "steer", "steered", EditValue::sign, true},
    EditModeFacts{EditMode::bias, "bias", "edited", EditValue::dose, false},
};

constexpr EditModeFacts const& facts_of(EditMode mode) {
    return *std::find_if(edit_modes.begin(), edit_modes.end(),
                         [mode](EditModeFacts const& facts) { return facts.mode == mode; });
}
// Null for a word that names no mode.
constexpr EditModeFacts const* find_edit_mode(std::string_view word) {
    for (EditModeFacts const& facts : edit_modes) {
        if (facts.word == word) return &facts;
    }
    return nullptr;
}
constexpr std::string_view to_string(EditModeFacts const& facts) {
    return facts.word;
}
constexpr std::string_view to_string(EditMode mode) {
    return facts_of(mode).word;
}

enum class EditScope { prefill, decode, both };  // prompt tokens, generated tokens
inline constexpr std::array edit_scopes = {EditScope::prefill, EditScope::decode, EditScope::both};
constexpr std::string_view to_string(EditScope scope) {
    return scope == EditScope::prefill ? "prefill" : scope == EditScope::decode ? "decode" : "both";
}

}  // namespace gatesweep
