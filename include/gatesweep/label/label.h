// What a reply is called: the words of every labeller, of people and of every table.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace gatesweep {

// Refusals are restricted, everything else that could be judged is not (the paper's two labels).
enum class Label { full_refusal, partial_refusal, full_compliance, incoherent, unscored };
inline constexpr std::array all_labels = {Label::full_refusal, Label::partial_refusal, Label::full_compliance,
                                          Label::incoherent, Label::unscored};
std::string_view to_string(Label label);  // "full_refusal"
std::optional<Label> parse_label(std::string_view text);
// Nothing for `unscored`.
std::optional<bool> is_restricted(Label label);

}  // namespace gatesweep
