#include "sweep_facts.h"

#include "gatesweep/base/words.h"
#include "gatesweep/terms/edit_mode.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace gatesweep {
namespace {

double effect_size(TrialResult const& result) {
    return std::isnan(result.difference) ? -1.0 : std::abs(result.difference);
}

// Of 100; as many digits as tell it from 100 and from 0.
std::string hundredths(double fraction) {
    double const value = 100.0 * fraction;
    if (!std::isfinite(value)) return "n/a";
    if (std::abs(value) < 0.005) return "0";
    std::string text = fmt::format("{:.3g}", value);
    bool const looks_whole = text == "100" || text == "-100";
    if (!looks_whole || std::abs(value) > 99.995) return text;
    return fmt::format("{:.2f}", value);
}

}  // namespace

LabelledBy labelled_by(SweepView const& sweep) {
    LabelledBy sum;
    for (auto const& result : sweep.results) {
        sum.num_replies += result.num_prompts;
        sum.num_human += result.num_human;
        sum.num_mixed += result.num_mixed;
        auto const unscored = result.counts.find("unscored");
        if (unscored != result.counts.end()) sum.num_unscored += unscored->second;
    }
    return sum;
}

bool is_stronger(TrialResult const& a, TrialResult const& b) {
    if (effect_size(a) != effect_size(b)) return effect_size(a) > effect_size(b);
    if (a.num_experts() != b.num_experts()) return a.num_experts() < b.num_experts();
    return a.p_exact < b.p_exact;  // false where either was not measured
}

std::vector<TrialResult const*> strongest_first(SweepView const& sweep, std::string_view group,
                                                std::vector<std::string_view> const& kinds) {
    std::vector<TrialResult const*> found;
    for (auto const& result : sweep.results) {
        if (result.group == group && std::ranges::find(kinds, result.kind) != kinds.end()) found.push_back(&result);
    }
    std::ranges::stable_sort(found, [](auto const* a, auto const* b) { return is_stronger(*a, *b); });
    return found;
}

std::vector<TrialResult const*> strongest_of_signals(SweepView const& sweep, std::string_view group) {
    std::vector<TrialResult const*> found;
    std::set<std::string> signals;
    for (auto const* result : strongest_first(sweep, group, {"selected", "custom"})) {
        if (result->kind == "custom" || signals.insert(result->signal).second) found.push_back(result);
    }
    return found;
}

std::vector<TrialResult const*> controls_beside(SweepView const& sweep, std::string_view group) {
    std::vector<TrialResult const*> controls;
    TrialResult const* const best = strongest(sweep, group);
    for (auto const* kind : {"reverse", "bottom", "random"}) {
        for (auto const* result : strongest_first(sweep, group, {kind})) {
            bool const is_alike = best && result->num_experts() == best->num_experts() && result->edit == best->edit;
            if (kind == std::string_view("random") && !is_alike) continue;
            controls.push_back(result);
            break;
        }
    }
    return controls;
}

std::vector<TrialResult const*> most_telling(SweepView const& sweep, std::string_view group, std::size_t max_sets) {
    auto chosen = strongest_first(sweep, group, {"selected", "custom"});
    auto controls = strongest_first(sweep, group, {"reverse", "bottom"});
    std::size_t const free_places = max_sets - std::min(max_sets, chosen.size());
    controls.resize(std::min(controls.size(), std::max(max_sets / 4, free_places)));
    chosen.resize(std::min(chosen.size(), max_sets - controls.size()));
    chosen.insert(chosen.end(), controls.begin(), controls.end());
    std::ranges::stable_sort(chosen, [](auto const* a, auto const* b) { return is_stronger(*a, *b); });
    return chosen;
}

std::string set_name(SweepView const& sweep, TrialResult const& result) {
    std::string name;
    if (result.kind == "baseline") return "baseline";
    if (result.kind == "custom" || result.signal.empty()) {
        name = result.name.empty() ? result.kind : result.name;
    } else {
        name = result.kind == "selected" ? "" : result.kind + ": ";
        name += result.signal;
        if (!result.expert_class.empty()) name += " " + result.expert_class;
    }
    name += ", " + plural(result.num_experts(), "expert");
    if (!std::isnan(result.gap_threshold)) name += fmt::format(", gap {:.4g}", result.gap_threshold);
    EditRule const* first = nullptr;
    for (auto const& other : sweep.results) {
        if (other.kind == "baseline") continue;
        if (!first) first = &other.edit;
        if (!(other.edit == *first)) return fmt::format("{}, {}", name, edit_text(result.edit));
    }
    return name;
}

std::string edit_text(EditRule const& edit) {
    std::string text = edit.mode;
    if (!std::isnan(edit.dose)) text += fmt::format(" {:.4g}", edit.dose);
    if (edit.scope == "prefill" || edit.scope == "decode") text += fmt::format(", {} only", edit.scope);
    return text;
}

std::string edit_verb(EditRule const& edit) {
    EditModeFacts const* const mode = find_edit_mode(edit.mode);
    if (mode && mode->value != EditValue::dose) return std::string(mode->done);
    return fmt::format("{} ({})", mode ? mode->done : "edited", edit_text(edit));
}

std::string experts_text(std::vector<ExpertId> const& experts, std::size_t max_experts) {
    std::string text;
    for (std::size_t i = 0; i < std::min(experts.size(), max_experts); ++i) {
        text += fmt::format("{}{}:{}", i ? " " : "", experts[i].layer, experts[i].expert);
    }
    return experts.size() > max_experts ? fmt::format("{} ... ({} in all)", text, experts.size()) : text;
}

std::string percent_text(double fraction) {
    return hundredths(fraction);
}

std::string points_text(double difference) {
    return hundredths(difference);
}

std::string p_text(std::string_view name, double p) {
    if (std::isnan(p)) return fmt::format("{} n/a", name);
    if (p <= 0.0) return fmt::format("{} < 1e-300", name);
    if (p < 1e-4) return fmt::format("{} < 1e{}", name, static_cast<int>(std::floor(std::log10(p))) + 1);
    return fmt::format("{} = {:.2g}", name, p);
}

}  // namespace gatesweep
