#include "job_sweep.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "gatesweep/input/job_keys.h"
#include "gatesweep/terms/rank_class.h"
#include "job_parts.h"
#include "sweep_parts.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t max_random_sets = 10'000;

template <class T, class List>
std::vector<T> read_enums(Section const& section, std::string_view key, std::vector<T> fallback, List const& all) {
    std::vector<std::string> words;
    for (T value : all)
        words.emplace_back(to_string(value));
    if (!section.has(key)) return fallback;
    std::vector<T> out;
    for (auto const& word : read_words(section, key, {}, words)) {
        out.push_back(all[static_cast<std::size_t>(std::find(words.begin(), words.end(), word) - words.begin())]);
    }
    return out;
}

// Of "12.5 %" or "12.5%"; nothing for what is no share above 0 and below 100.
std::optional<double> parse_share(std::string_view text) {
    double value = 0.0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    bool const sound = error == std::errc() && rest == "%" && value > 0.0 && value < 100.0;
    return sound ? std::optional(value) : std::nullopt;
}

std::map<std::string, std::vector<double>> read_gap_thresholds(Section const& sweep) {
    std::map<std::string, std::vector<double>> out;
    auto const section = sweep.section("gap_thresholds", keys_of("sweep.gap_thresholds"));
    if (!section) return out;
    for (SignalFacts const& signal : signal_kinds) {
        auto const list = section->numbers(signal.job_word);
        if (!list) continue;
        for (double const gap : checked_list(*section, signal.job_word, *list)) {
            if (gap > 0.0 && gap <= signal.max_gap()) continue;
            section->refuse(signal.job_word, fmt::format("numbers above 0{} ({} is wrong)",
                                                         signal.is_share ? " and at most 1" : "", gap));
        }
        out[std::string(signal.job_word)] = *list;
    }
    return out;
}

ControlsSpec read_controls(Section const& sweep) {
    ControlsSpec out;
    auto const section = sweep.section("controls", keys_of("sweep.controls"));
    if (!section) return out;
    out.random = static_cast<int>(section->whole("random", 0, max_random_sets).value_or(out.random));
    out.match = section
                    ->choice<ControlMatch>("match", {{"size", ControlMatch::size},
                                                     {"layers", ControlMatch::layers},
                                                     {"traffic", ControlMatch::traffic}})
                    .value_or(out.match);
    out.reverse = section->flag("reverse").value_or(out.reverse);
    out.bottom = section->flag("bottom").value_or(out.bottom);
    return out;
}

void read_groups(Section const& section, Job const& job, SweepSpec& out) {
    auto const groups = prompt_groups(job);
    out.prompts = read_words(section, "prompts", {job.analysis.malicious}, groups);
    bool const is_free = std::find(out.prompts.begin(), out.prompts.end(), job.analysis.benign) == out.prompts.end();
    out.side_effects =
        read_words(section, "side_effects", is_free ? std::vector{job.analysis.benign} : std::vector<std::string>(),
                   groups, EmptyList::allowed);
    for (auto const& group : out.side_effects) {
        if (std::find(out.prompts.begin(), out.prompts.end(), group) == out.prompts.end()) continue;
        section.refuse("side_effects",
                       fmt::format("groups that are not in prompts (\"{}\" is generated on and labelled already)",
                                   printable(group)));
    }
}

std::vector<std::int64_t> read_numbers_of_experts(Section const& section, std::string_view key) {
    auto const list = section.wholes(key, 0, any_size);
    return list ? checked_list(section, key, *list, EmptyList::allowed) : std::vector<std::int64_t>();
}

void read_steered_sets(Section const& section, SweepSpec& out) {
    out.activate = read_numbers_of_experts(section, "activate");
    out.deactivate = read_numbers_of_experts(section, "deactivate");
    out.reverse = section.flag("reverse").value_or(out.reverse);
    if (!out.has_steered_sets()) {
        if (out.reverse) section.refuse("reverse", "activate or deactivate beside it: how many experts the sets have");
        return;
    }
    std::string_view const key = out.activate.empty() ? "deactivate" : "activate";
    if (out.signals.empty()) section.refuse(key, "at least one entry in signals beside it, whose scores choose");
    auto const is_nothing = [](std::vector<std::int64_t> const& list) {
        return std::ranges::all_of(list, [](std::int64_t number) { return number == 0; });
    };
    if (is_nothing(out.activate) && is_nothing(out.deactivate))
        section.refuse(key, "at least one number above 0 in activate or deactivate");
}

void read_signals_of_grid(Section const& section, ScoreParameters const& scores, SweepSpec& out) {
    std::vector<std::string> known;
    for (auto const word : signal_job_words())
        known.emplace_back(word);
    for (auto const& word : scores.providers) {
        if (!find_signal(word)) known.push_back(word);
    }
    if (auto const words = section.texts("signals")) {
        for (auto const& word : *words) {
            bool const is_left_out = find_provider(word) && std::ranges::find(known, word) == known.end();
            if (is_left_out)
                section.refuse("signals", fmt::format("\"{0}\" together with [scores] providers = [\"{0}\"]", word));
        }
    }
    out.signals = read_words(section, "signals", out.signals, known, EmptyList::allowed);
}

void read_classes(Section const& section, SweepSpec& out) {
    bool const has_signal = std::ranges::any_of(out.signals, [](auto const& word) { return find_signal(word); });
    bool const has_other = std::ranges::any_of(out.signals, [](auto const& word) { return !find_signal(word); });
    if (!has_signal && has_other) out.classes.clear();
    bool const is_steered = out.has_steered_sets();
    if (has_other && !is_steered) out.classes.emplace_back(top_class);
    std::vector<std::string> known = {"malicious-dominant", "weak-malicious", "benign-dominant", "weak-benign",
                                      "shared"};
    known.insert(known.end(), rank_classes.begin(), rank_classes.end());
    out.classes =
        read_words(section, "classes", out.classes, known, is_steered ? EmptyList::allowed : EmptyList::refused);
    bool const has_ranks = std::ranges::any_of(out.classes, [](auto const& word) { return is_rank_class(word); });
    if (has_other && !has_ranks && !is_steered)
        section.refuse("classes",
                       "\"top\" or \"bottom\" as well (a score provider that is no signal has no other class)");
    if (!out.shares.empty() && !has_ranks)
        section.refuse("sizes", "shares together with class \"top\" or \"bottom\" (they are shares of ranked experts)");
}

// Whole numbers, and shares as "12.5 %".
void read_sizes(Section const& section, SweepSpec& out) {
    if (!section.has("sizes") || says_auto(section, "sizes")) return;
    constexpr std::string_view allowed =
        "\"auto\", a list of whole numbers from 1 and of shares below 100 like \"12.5 %\", each once, or [] for no "
        "grid";
    toml::array const* const list = section.node("sizes")->as_array();
    if (!list) section.refuse("sizes", allowed);
    out.sizes.emplace();
    for (auto const& item : *list) {
        if (auto const text = item.value_exact<std::string_view>()) {
            auto const share = parse_share(*text);
            if (!share) section.refuse("sizes", allowed);
            out.shares.push_back(*share);
        } else {
            auto const size = item.value_exact<std::int64_t>();
            if (!size) section.refuse("sizes", allowed);
            if (*size < 1 || *size > any_size)
                section.refuse("sizes", fmt::format("whole numbers from 1 to {} ({} is wrong)", any_size, *size));
            out.sizes->push_back(*size);
        }
    }
    checked_list(section, "sizes", *out.sizes, EmptyList::allowed);
    checked_list(section, "sizes", out.shares, EmptyList::allowed);
}

void read_grid(Section const& section, ScoreParameters const& scores, SweepSpec& out) {
    read_signals_of_grid(section, scores, out);
    read_steered_sets(section, out);
    read_sizes(section, out);
    read_classes(section, out);
    out.gap_thresholds = read_gap_thresholds(section);
    std::vector<EditMode> modes;
    for (EditModeFacts const& mode : edit_modes)
        modes.push_back(mode.mode);
    out.modes = read_enums(section, "modes", out.modes, modes);
    out.scopes = read_enums(section, "scopes", out.scopes, edit_scopes);
    if (auto const doses = section.numbers("bias")) out.bias = checked_list(section, "bias", *doses);
    for (double const dose : out.bias) {
        if (!is_dose(dose)) section.refuse("bias", fmt::format("{} ({} is wrong)", dose_rule, dose));
    }
}

}  // namespace

SweepSpec read_sweep(Section const& top, Job const& job, InputPlaces const& places) {
    SweepSpec out;
    auto const section = top.section("sweep", keys_of("sweep"));
    if (!section) return out;
    out.enabled = section->flag("enabled").value_or(true);
    read_groups(*section, job, out);
    read_grid(*section, job.scores, out);
    out.max_new_tokens = section->whole("max_new_tokens", 1, 4096).value_or(out.max_new_tokens);
    if (section->has("slots") && !says_auto(*section, "slots")) {
        if (!section->node("slots")->is_integer())
            section->refuse("slots", "\"auto\" or a whole number from 1 to 65536");
        out.slots = *section->whole("slots", 1, 65536);
    }
    out.controls = read_controls(*section);
    out.seed = static_cast<std::uint64_t>(section->whole("seed", 0, std::numeric_limits<std::int64_t>::max())
                                              .value_or(static_cast<std::int64_t>(out.seed)));
    out.allow_fewer = section->flag("allow_fewer").value_or(out.allow_fewer);
    out.labels = read_labels(*section, places);
    out.screen = read_screen(*section);
    out.trials = read_custom_trials(*section, places, job.scores);
    if (!out.has_grid() && !out.has_steered_sets() && out.trials.empty())
        section->refuse(out.signals.empty() ? "signals" : "sizes",
                        "at least one entry, or a [[sweep.trial]] (without a grid and without a set of your own there "
                        "is nothing to try)");
    return out.enabled ? out : SweepSpec();
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
