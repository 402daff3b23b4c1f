#include "sweep_parts.h"

#include <algorithm>
#include <limits>

#include "gatesweep/input/job_keys.h"
#include "job_parts.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

std::vector<std::vector<std::int64_t>> read_experts(Section const& section) {
    constexpr std::string_view allowed = "a list of [layer, expert] pairs, counted from 0, like [[7, 5], [12, 1]]";
    std::vector<std::vector<std::int64_t>> out;
    toml::array const* list = section.node("experts")->as_array();
    if (!list || list->empty()) section.refuse("experts", allowed);
    for (auto const& item : *list) {
        std::vector<std::int64_t> pair;
        toml::array const* numbers = item.as_array();
        if (!numbers || numbers->size() != 2) section.refuse("experts", allowed);
        for (auto const& number : *numbers) {
            auto const value = number.value_exact<std::int64_t>();
            if (!value || *value < 0) section.refuse("experts", allowed);
            pair.push_back(*value);
        }
        if (std::find(out.begin(), out.end(), pair) != out.end()) {
            section.refuse("experts", fmt::format("every expert once ([{}, {}] is there twice)", pair[0], pair[1]));
        }
        out.push_back(pair);
    }
    return out;
}

// One of `all`, by the word that to_string gives it.
template <class List, class T>
T read_word(Section const& section, std::string_view key, T fallback, List const& all) {
    if (!section.has(key)) return fallback;
    std::string allowed;
    for (T const value : all) {
        if (section.node(key)->value_exact<std::string_view>() == to_string(value)) return value;
        allowed += fmt::format("{}\"{}\"", allowed.empty() ? "" : " or ", to_string(value));
    }
    section.refuse(key, allowed);
}

EditMode read_edit_mode(
    Section const& section, EditMode fallback,
    bool (*is_allowed)(EditModeFacts const&) = [](EditModeFacts const&) { return true; }) {
    std::vector<EditMode> allowed;
    for (EditModeFacts const& mode : edit_modes) {
        if (is_allowed(mode)) allowed.push_back(mode.mode);
    }
    return read_word(section, "mode", fallback, allowed);
}

// What belongs to one mode only would change nothing in another.
void read_strength(Section const& section, CustomTrial& out) {
    if (section.has("bias")) {
        out.bias = *section.number("bias");
        if (facts_of(out.mode).value != EditValue::dose)
            section.refuse("bias", "it together with mode = \"bias\", or not at all");
        if (!is_dose(out.bias)) section.refuse("bias", "a number other than 0, at most 1e6 either way");
    }
    if (facts_of(out.mode).value == EditValue::dose && out.file.empty())
        require(section, "bias", "what is added to the logits, bias = -2.0");
    out.activate = section.flag("activate").value_or(out.activate);
    if (out.activate && facts_of(out.mode).value != EditValue::sign) {
        section.refuse("activate", "it together with mode = \"steer\", or not at all");
    }
}

SteeredSet read_steered_set(Section const& trial, ScoreParameters const& scores) {
    auto const section = trial.section("from", keys_of("sweep.trial.from"));
    require(*section, "provider", "provider = \"risk-difference\", or another, to from");
    SteeredSet out;
    out.provider = *section->text("provider");
    if (!scores.has(out.provider) && !find_signal(out.provider)) {
        std::string const close = nearest(out.provider, scores.providers);
        section->refuse("provider", fmt::format("a signal or one of the providers of [scores]: {}{}",
                                                toml_list(scores.providers, toml_string),
                                                close.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", close)));
    }
    out.activate = section->whole("activate", 0, any_size).value_or(out.activate);
    out.deactivate = section->whole("deactivate", 0, any_size).value_or(out.deactivate);
    if (out.activate + out.deactivate == 0)
        section->refuse("provider", "activate or deactivate beside it: how many experts the set has");
    out.reverse = section->flag("reverse").value_or(out.reverse);
    return out;
}

CustomTrial read_custom_trial(Section const& section, InputPlaces const& places, ScoreParameters const& scores) {
    CustomTrial out;
    require(section, "name", "name = \"a name\" to this [[sweep.trial]]");
    out.name = *section.text("name");
    if (!is_name(out.name)) section.refuse("name", "a name without control characters");
    std::string given;
    int num_given = 0;
    for (std::string_view const key : {"experts", "file", "from"}) {
        if (!section.has(key)) continue;
        given += fmt::format("{}{}", num_given++ == 0 ? "" : " and ", key);
    }
    GATESWEEP_VALIDATE(num_given == 1, ExitCode::job,
                       "{}: [[sweep.trial]] \"{}\" has {} (its experts come from one of them): give either experts = "
                       "[[layer, expert], ...], file = \"a list\" or from = {{ provider = ..., activate = ... }}",
                       section.place(), printable(out.name),
                       num_given == 0   ? "neither experts nor file"
                       : num_given == 2 ? "both " + given
                                        : given);
    if (section.has("experts")) {
        out.experts = read_experts(section);
    } else if (section.has("file")) {
        out.file = find_input(section, "file", places, PathKind::file);
    } else {
        out.from = read_steered_set(section, scores);
        out.mode = EditMode::steer;
    }
    out.mode = read_edit_mode(section, out.mode);
    if (out.from && facts_of(out.mode).value != EditValue::sign)
        section.refuse("mode", "\"steer\" together with from, whose experts have signs");
    if (out.from && section.has("activate"))
        section.refuse("activate", "it inside from, as a number: a set by scores has both kinds");
    out.scope = read_word(section, "scope", out.scope, edit_scopes);
    read_strength(section, out);
    return out;
}

}  // namespace

LabelsSpec read_labels(Section const& sweep, InputPlaces const& places) {
    LabelsSpec out;
    auto const section = sweep.section("labels", keys_of("sweep.labels"));
    if (!section) return out;
    out.method =
        section->choice<LabelMethod>("method", {{"phrases", LabelMethod::phrases}, {"judge", LabelMethod::judge}})
            .value_or(out.method);
    out.phrases = find_optional_input(*section, "phrases", places, PathKind::file);
    out.judge = find_optional_input(*section, "judge", places, PathKind::folder);
    out.judge_template = find_optional_input(*section, "judge_template", places, PathKind::file);
    out.human = find_optional_input(*section, "human", places, PathKind::file);
    out.mixed =
        section->choice<MixedPairs>("mixed", {{"leave-out", MixedPairs::leave_out}, {"allow", MixedPairs::allow}})
            .value_or(out.mixed);
    out.validation = find_optional_input(*section, "validation", places, PathKind::file);
    GATESWEEP_VALIDATE(out.method != LabelMethod::judge || !out.judge.empty(), ExitCode::job,
                       "{}: method is \"judge\" and there is no judge (a model labels the completions): add judge = "
                       "\"a checkpoint folder\" to [sweep.labels]",
                       section->place("method"));
    return out;
}

ScreenSpec read_screen(Section const& sweep) {
    ScreenSpec out;
    auto const section = sweep.section("screen", keys_of("sweep.screen"));
    if (!section) return out;
    out.enabled = section->flag("enabled").value_or(out.enabled);
    out.mode =
        read_edit_mode(*section, out.mode, [](EditModeFacts const& mode) { return mode.value != EditValue::dose; });
    out.limit = section->whole("limit", 1, std::numeric_limits<std::int64_t>::max()).value_or(out.limit);
    out.refusals = read_openers(*section, "refusals");
    out.compliances = read_openers(*section, "compliances");
    return out;
}

std::vector<CustomTrial> read_custom_trials(Section const& sweep, InputPlaces const& places,
                                            ScoreParameters const& scores) {
    std::vector<CustomTrial> out;
    for (auto const& section : sweep.sections("trial", keys_of("sweep.trial"))) {
        CustomTrial trial = read_custom_trial(section, places, scores);
        for (auto const& earlier : out) {
            if (earlier.name == trial.name) section.refuse("name", "a name that no other [[sweep.trial]] has");
        }
        out.push_back(std::move(trial));
    }
    return out;
}

}  // namespace gatesweep
