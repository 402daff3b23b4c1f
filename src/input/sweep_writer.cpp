#include "sweep_writer.h"

#include <fmt/format.h>

#include "toml_text.h"

namespace gatesweep {
namespace {

template <class T>
std::string word(T value) {
    return fmt::format("\"{}\"", to_string(value));
}

std::string whole(std::int64_t value) {
    return std::to_string(value);
}

std::string path(std::filesystem::path const& value) {
    return toml_string(value.string());
}

std::string sizes_text(SweepSpec const& sweep) {
    if (!sweep.sizes) return "\"auto\"";
    std::vector<std::string> sizes;
    for (std::int64_t const size : *sweep.sizes)
        sizes.push_back(whole(size));
    for (double const share : sweep.shares)
        sizes.push_back(fmt::format("\"{} %\"", toml_number(share)));
    return toml_list(sizes, [](std::string const& text) { return text; });
}

std::string grid(SweepSpec const& sweep) {
    std::string gaps;
    for (auto const& [signal, list] : sweep.gap_thresholds)
        gaps += fmt::format("{} {} = {}", gaps.empty() ? "" : ",", signal, toml_list(list, toml_number));
    return fmt::format(
        "signals = {}\nclasses = {}\nsizes = {}\ngap_thresholds = {{{} }}\nmodes = {}\nscopes = {}\nbias = {}\n",
        toml_list(sweep.signals, toml_string), toml_list(sweep.classes, toml_string), sizes_text(sweep), gaps,
        toml_list(sweep.modes, word<EditMode>), toml_list(sweep.scopes, word<EditScope>),
        toml_list(sweep.bias, toml_number));
}

std::string steered_sets(SweepSpec const& sweep) {
    if (sweep.activate.empty() && sweep.deactivate.empty()) return {};
    return fmt::format("activate = {}\ndeactivate = {}\nreverse = {}\n", toml_list(sweep.activate, whole),
                       toml_list(sweep.deactivate, whole), sweep.reverse);
}

std::string labels(LabelsSpec const& spec) {
    return fmt::format(
        "\n[sweep.labels]\nmethod = {}\nphrases = {}\njudge = {}\njudge_template = {}\nhuman = {}\nmixed = {}\n"
        "validation = {}\n",
        word(spec.method), path(spec.phrases), path(spec.judge), path(spec.judge_template), path(spec.human),
        word(spec.mixed), path(spec.validation));
}

std::string screen(ScreenSpec const& spec) {
    return fmt::format("\n[sweep.screen]\nenabled = {}\nmode = {}\nlimit = {}\nrefusals = {}\ncompliances = {}\n",
                       spec.enabled, word(spec.mode), spec.limit, toml_list(spec.refusals, toml_string),
                       toml_list(spec.compliances, toml_string));
}

std::string custom(CustomTrial const& trial) {
    std::string out = fmt::format("\n[[sweep.trial]]\nname = {}\n", toml_string(trial.name));
    if (trial.from) {
        out += fmt::format("from = {{ provider = {}, activate = {}, deactivate = {}, reverse = {} }}\n",
                           toml_string(trial.from->provider), trial.from->activate, trial.from->deactivate,
                           trial.from->reverse);
    } else if (trial.file.empty()) {
        out += fmt::format("experts = {}\n",
                           toml_list(trial.experts, [](auto const& pair) { return toml_list(pair, whole); }));
    } else {
        out += fmt::format("file = {}\n", path(trial.file));
    }
    out += fmt::format("mode = {}\nscope = {}\n", word(trial.mode), word(trial.scope));
    if (trial.bias != 0.0) out += fmt::format("bias = {}\n", toml_number(trial.bias));
    if (facts_of(trial.mode).value == EditValue::sign && !trial.from)
        out += fmt::format("activate = {}\n", trial.activate);
    return out;
}

}  // namespace

std::string sweep_text(SweepSpec const& sweep) {
    if (!sweep.enabled) return {};
    std::string const slots = sweep.slots == 0 ? "\"auto\"" : whole(sweep.slots);
    ControlsSpec const& controls = sweep.controls;
    std::string out = fmt::format(
        "\n[sweep]\nenabled = true\nprompts = {}\nside_effects = {}\nmax_new_tokens = {}\nslots = {}\n",
        toml_list(sweep.prompts, toml_string), toml_list(sweep.side_effects, toml_string), sweep.max_new_tokens, slots);
    out += grid(sweep) + steered_sets(sweep);
    out += fmt::format(
        "controls = {{ random = {}, match = {}, reverse = {}, bottom = {} }}\nseed = {}\nallow_fewer = {}\n",
        controls.random, word(controls.match), controls.reverse, controls.bottom, sweep.seed, sweep.allow_fewer);
    out += labels(sweep.labels) + screen(sweep.screen);
    for (auto const& trial : sweep.trials)
        out += custom(trial);
    return out;
}

}  // namespace gatesweep
