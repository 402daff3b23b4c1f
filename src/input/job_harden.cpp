#include "job_harden.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <limits>

#include "gatesweep/base/utf8.h"
#include "gatesweep/input/job_keys.h"
#include "toml_text.h"

namespace gatesweep {
namespace {

constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();
constexpr HardenArm all_arms[] = {HardenArm::random, HardenArm::all_experts, HardenArm::attention};

double read_number(Section const& section, std::string_view key, double fallback, double least, double most) {
    double const value = section.number(key).value_or(fallback);
    if (!(value >= least && value <= most && std::isfinite(value)))
        section.refuse(key, std::isfinite(most) ? fmt::format("a number from {} to {}", least, most)
                                                : fmt::format("a number of at least {}", least));
    return value;
}

// A name, or a list of names.
std::vector<std::string> read_groups(Section const& section, std::string_view key,
                                     std::vector<std::string> const& known, bool is_required) {
    if (!section.has(key)) {
        if (is_required) require(section, key, fmt::format("{} = \"a group of [[prompts]]\" to it", key));
        return {};
    }
    if (!section.node(key)->is_string()) return read_words(section, key, {}, known);
    std::string const word = *section.text(key);
    if (std::ranges::find(known, word) == known.end())
        section.refuse(key, fmt::format("a group of [[prompts]]: {}", fmt::join(known, ", ")));
    return {word};
}

std::vector<HardenArm> read_arms(Section const& section, std::vector<HardenArm> const& fallback) {
    if (!section.has("compare")) return fallback;
    std::vector<std::string> known;
    for (HardenArm const arm : all_arms)
        known.emplace_back(to_string(arm));
    std::vector<HardenArm> arms;
    for (std::string const& word : read_words(section, "compare", {}, known, EmptyList::allowed))
        arms.push_back(*std::ranges::find(all_arms, word, [](HardenArm arm) { return to_string(arm); }));
    return arms;
}

std::vector<ExpertId> read_experts(Section const& section, std::string_view key) {
    std::vector<ExpertId> out;
    if (!section.has(key)) return out;
    auto const* const list = section.node(key)->as_array();
    auto const refuse = [&] { section.refuse(key, "a list of [layer, expert], as in [[2, 5], [3, 1]]"); };
    if (!list) refuse();
    for (toml::node const& entry : *list) {
        auto const* const pair = entry.as_array();
        if (!pair || pair->size() != 2 || !(*pair)[0].is_integer() || !(*pair)[1].is_integer()) refuse();
        out.push_back({*(*pair)[0].value<std::int64_t>(), *(*pair)[1].value<std::int64_t>()});
        if (out.back().layer < 0 || out.back().expert < 0) refuse();
    }
    return checked_list(section, key, std::move(out));
}

HardenLimits read_limits(Section const& section) {
    constexpr double none = std::numeric_limits<double>::infinity();
    HardenLimits out;
    auto const limits = section.section("limits", keys_of("harden.limits"));
    if (!limits) return out;
    out.refusal = read_number(*limits, "refusal", out.refusal, 0.0, 100.0);
    out.compliance_drop = read_number(*limits, "compliance_drop", out.compliance_drop, 0.0, 100.0);
    out.perplexity_ratio = read_number(*limits, "perplexity_ratio", out.perplexity_ratio, 0.0, none);
    out.js = read_number(*limits, "js", out.js, 0.0, 1.0);
    out.overlap = read_number(*limits, "overlap", out.overlap, 0.0, 1.0);
    return out;
}

void read_training(Section const& section, HardenSpec& out) {
    constexpr double none = std::numeric_limits<double>::infinity();
    out.rank = section.whole("rank", 1, 4096).value_or(out.rank);
    out.alpha = read_number(section, "alpha", out.alpha, 0.0, none);
    out.steps = section.whole("steps", 1, no_limit).value_or(out.steps);
    out.learning_rate = read_number(section, "learning_rate", out.learning_rate, 0.0, none);
    out.weight_decay = read_number(section, "weight_decay", out.weight_decay, 0.0, none);
    out.warmup = read_number(section, "warmup", out.warmup, 0.0, 1.0);
    out.clip = read_number(section, "clip", out.clip, 1e-12, none);
    out.beta = read_number(section, "beta", out.beta, 0.0, none);
    out.gamma = read_number(section, "gamma", out.gamma, 0.0, none);
    out.batch = section.whole("batch", 2, 1 << 20).value_or(out.batch);
    out.parts = section.whole("parts", 1, 1 << 20).value_or(out.parts);
    out.evaluate = section.whole("evaluate", 0, no_limit).value_or(out.evaluate);
    out.patience = section.whole("patience", 0, no_limit).value_or(out.patience);
    out.validation = read_number(section, "validation", out.validation, 0.0, 0.5);
    out.save = section.whole("save", 1, no_limit).value_or(out.save);
    out.seed = static_cast<std::uint64_t>(section.whole("seed", 0, no_limit).value_or(1));
    out.max_new_tokens = section.whole("max_new_tokens", 1, 4096).value_or(out.max_new_tokens);
}

void read_selection(Section const& section, Job& job, HardenSpec& out) {
    std::vector<std::string> known;
    for (ProviderFacts const& facts : score_providers())
        known.emplace_back(facts.word);
    for (ImportedScores const& import : job.scores.imports)
        known.push_back(import.name);
    out.provider = section.text("provider").value_or(out.provider);
    if (std::ranges::find(known, out.provider) == known.end())
        section.refuse("provider", fmt::format("a score provider: {}", fmt::join(known, ", ")));
    if (out.provider == risk_difference_word && job.pairs.empty())
        section.refuse("provider", "\"risk-difference\" together with [[pairs]], which it compares");
    bool const lacks_audit = out.provider == routing_sensitivity_word && !job.audit.is_wanted();
    if (lacks_audit && !section.has("provider"))
        require(section, "provider",
                "provider = \"a score provider\" to it, or [audit], which routing-sensitivity (taken unless another is "
                "named) needs");
    if (lacks_audit)
        section.refuse("provider",
                       "\"routing-sensitivity\" together with [audit], whose topics and matched prompts it "
                       "compares, or another provider");
    if (!job.scores.has(out.provider)) job.scores.providers.push_back(out.provider);
    if (section.has("budget")) out.budget = read_number(section, "budget", 0.0, 1e-9, 1.0);
    if (section.has("experts") || out.budget) out.experts = section.whole("experts", 1, no_limit);
    out.suppress = read_experts(section, "suppress");
}

std::string groups_text(std::vector<std::string> const& groups) {
    return toml_list(groups, toml_string);
}

}  // namespace

HardenSpec read_harden(Section const& top, Job& job, InputPlaces const& places) {
    HardenSpec out;
    auto const section = top.section("harden", keys_of("harden"));
    if (!section) return out;
    out.enabled = true;
    read_selection(*section, job, out);
    read_training(*section, out);
    require(*section, "train", "train = { harmful = \"a group\", benign = \"a group\" } to [harden]");
    require(*section, "held_out", "held_out = { harmful = \"a group\", benign = \"a group\" } to [harden]");
    require(*section, "refusals", "refusals = \"a text file with a refusal a line\" to [harden]");
    std::vector<std::string> const groups = prompt_groups(job);
    auto const train = *section->section("train", keys_of("harden.train"));
    out.train = {read_groups(train, "harmful", groups, true), read_groups(train, "benign", groups, true)};
    auto const held_out = *section->section("held_out", keys_of("harden.held_out"));
    out.held_out = {read_groups(held_out, "harmful", groups, true), read_groups(held_out, "benign", groups, true),
                    read_groups(held_out, "near_miss", groups, false)};
    for (auto const* const held : {&out.held_out.harmful, &out.held_out.benign, &out.held_out.near_miss}) {
        for (std::string const& group : *held) {
            for (auto const* const trained : {&out.train.harmful, &out.train.benign}) {
                if (std::ranges::find(*trained, group) != trained->end())
                    held_out.refuse(held == &out.held_out.harmful  ? "harmful"
                                    : held == &out.held_out.benign ? "benign"
                                                                   : "near_miss",
                                    fmt::format("groups that are not trained on (\"{}\" is: what was learned by heart "
                                                "proves nothing)",
                                                printable(group)));
            }
        }
    }
    out.refusals = find_input(*section, "refusals", places, PathKind::file);
    out.compare = read_arms(*section, out.compare);
    out.limits = read_limits(*section);
    return out;
}

std::string harden_text(HardenSpec const& h) {
    if (!h.enabled) return {};
    std::string out = fmt::format("\n[harden]\nprovider = {}\n", toml_string(h.provider));
    if (h.experts) out += fmt::format("experts = {}\n", *h.experts);
    if (h.budget) out += fmt::format("budget = {}\n", toml_number(*h.budget));
    out += fmt::format("rank = {}\nalpha = {}\nsteps = {}\nlearning_rate = {}\nweight_decay = {}\n", h.rank,
                       toml_number(h.alpha), h.steps, toml_number(h.learning_rate), toml_number(h.weight_decay));
    out += fmt::format("warmup = {}\nclip = {}\nbeta = {}\ngamma = {}\nbatch = {}\nparts = {}\n", toml_number(h.warmup),
                       toml_number(h.clip), toml_number(h.beta), toml_number(h.gamma), h.batch, h.parts);
    out += fmt::format("evaluate = {}\npatience = {}\nvalidation = {}\nsave = {}\nseed = {}\nmax_new_tokens = {}\n",
                       h.evaluate, h.patience, toml_number(h.validation), h.save, h.seed, h.max_new_tokens);
    out += fmt::format("train = {{ harmful = {}, benign = {} }}\n", groups_text(h.train.harmful),
                       groups_text(h.train.benign));
    out += fmt::format("held_out = {{ harmful = {}, benign = {}", groups_text(h.held_out.harmful),
                       groups_text(h.held_out.benign));
    if (!h.held_out.near_miss.empty()) out += fmt::format(", near_miss = {}", groups_text(h.held_out.near_miss));
    out += fmt::format(" }}\nrefusals = {}\ncompare = {}\n", toml_string(h.refusals.string()),
                       toml_list(h.compare, [](HardenArm arm) { return toml_string(to_string(arm)); }));
    out +=
        fmt::format("limits = {{ refusal = {}, compliance_drop = {}, perplexity_ratio = {}, js = {}, overlap = {} }}\n",
                    toml_number(h.limits.refusal), toml_number(h.limits.compliance_drop),
                    toml_number(h.limits.perplexity_ratio), toml_number(h.limits.js), toml_number(h.limits.overlap));
    if (!h.suppress.empty())
        out += fmt::format("suppress = {}\n", toml_list(h.suppress, [](ExpertId id) {
                               return fmt::format("[{}, {}]", id.layer, id.expert);
                           }));
    return out;
}

}  // namespace gatesweep
