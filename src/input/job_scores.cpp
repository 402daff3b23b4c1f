#include "job_scores.h"

#include <fmt/format.h>

#include "gatesweep/input/job_keys.h"
#include "toml_text.h"

namespace gatesweep {
namespace {

constexpr std::int64_t max_resamples = 100'000;

std::vector<std::string> known_words(ScoreParameters const& scores) {
    std::vector<std::string> words;
    for (ProviderFacts const& facts : score_providers())
        words.emplace_back(facts.word);
    for (ImportedScores const& import : scores.imports)
        words.push_back(import.name);
    return words;
}

ImportedScores read_import(Section const& section, InputPlaces const& places, ScoreParameters const& before) {
    require(section, "name", "name = \"a name\" to this entry of import");
    require(section, "file", "file = \"a table of scores\" to this entry of import");
    ImportedScores out{*section.text("name"), {}};
    bool const is_taken = find_provider(out.name) || before.import_named(out.name);
    if (!is_name(out.name) || is_taken)
        section.refuse("name", "a name without control characters, which no other scores have");
    out.file = find_input(section, "file", places, PathKind::file);
    return out;
}

void add_provider(ScoreParameters& scores, std::string_view word) {
    if (!scores.has(word)) scores.providers.emplace_back(word);
}

std::string imports_text(std::vector<ImportedScores> const& imports) {
    if (imports.empty()) return {};
    return fmt::format("import = {}\n", toml_list(imports, [](ImportedScores const& import) {
                           return fmt::format("{{ name = {}, file = {} }}", toml_string(import.name),
                                              toml_string(import.file.string()));
                       }));
}

}  // namespace

ScoreParameters read_scores(Section const& top, ScoreSources sources, InputPlaces const& places) {
    ScoreParameters out;
    auto const section = top.section("scores", keys_of("scores"));
    if (!section) {
        if (sources.pairs) add_provider(out, risk_difference_word);
        return out;
    }
    for (auto const& import : section->sections("import", keys_of("scores.import")))
        out.imports.push_back(read_import(import, places, out));
    out.providers = read_words(*section, "providers", {}, known_words(out), EmptyList::allowed);
    if (!sources.pairs && out.has(risk_difference_word))
        section->refuse("providers", "\"risk-difference\" together with [[pairs]], which it compares");
    if (!sources.audit && out.has(routing_sensitivity_word))
        section->refuse("providers",
                        "\"routing-sensitivity\" together with [audit], whose topics and matched prompts it compares");
    if (sources.pairs) add_provider(out, risk_difference_word);
    for (ImportedScores const& import : out.imports)
        add_provider(out, import.name);
    out.bootstrap = section->whole("bootstrap", 0, max_resamples).value_or(out.bootstrap);
    out.refusals = read_openers(*section, "refusals");
    out.compliances = read_openers(*section, "compliances");
    if (!out.providers.empty()) return out;
    ScoreParameters none;
    if (sources.audit) none.bootstrap = out.bootstrap;
    return none;
}

void complete_scores(Section const& top, Job& job) {
    ScoreParameters& scores = job.scores;
    if (!scores.needs(Measure::margin_gradient)) {
        scores.refusals.clear();
        scores.compliances.clear();
        return;
    }
    if (scores.refusals.empty()) scores.refusals = job.sweep.screen.refusals;
    if (scores.compliances.empty()) scores.compliances = job.sweep.screen.compliances;
    GATESWEEP_VALIDATE(!scores.refusals.empty() && !scores.compliances.empty(), ExitCode::job,
                       "{}: [scores] providers has \"logit-gradient\", and there are no openings of {} (its margin is "
                       "measured before the model answers anything): name [scores] refusals and compliances, as in "
                       "[\"I cannot\"] and [\"Sure\"]",
                       top.place("scores"), scores.refusals.empty() ? "refusals" : "compliance");
}

std::string scores_text(ScoreParameters const& scores) {
    if (scores == ScoreParameters()) return {};
    return fmt::format("\n[scores]\nproviders = {}\nbootstrap = {}\nrefusals = {}\ncompliances = {}\n{}",
                       toml_list(scores.providers, toml_string), scores.bootstrap,
                       toml_list(scores.refusals, toml_string), toml_list(scores.compliances, toml_string),
                       imports_text(scores.imports));
}

}  // namespace gatesweep
