#include "job_scores.h"

#include <fmt/format.h>

#include "toml_text.h"

namespace gatesweep {
namespace {

constexpr std::int64_t max_resamples = 100'000;

std::vector<std::string> known_words() {
    std::vector<std::string> words;
    for (ProviderFacts const& facts : score_providers())
        words.emplace_back(facts.word);
    return words;
}

}  // namespace

ScoreParameters read_scores(Section const& top) {
    ScoreParameters out;
    auto const section = top.section("scores", {"providers", "bootstrap", "refusals", "compliances"});
    if (!section) return out;
    out.providers = read_words(*section, "providers", {}, known_words(), EmptyList::allowed);
    for (auto const& word : out.providers) {
        std::string_view const missing = find_provider(word)->missing;
        if (!missing.empty()) section->refuse("providers", fmt::format("it without \"{}\" ({})", word, missing));
    }
    out.bootstrap = section->whole("bootstrap", 0, max_resamples).value_or(out.bootstrap);
    out.refusals = read_openers(*section, "refusals");
    out.compliances = read_openers(*section, "compliances");
    return out.providers.empty() ? ScoreParameters() : out;
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
    if (scores.providers.empty()) return {};
    return fmt::format("\n[scores]\nproviders = {}\nbootstrap = {}\nrefusals = {}\ncompliances = {}\n",
                       toml_list(scores.providers, toml_string), scores.bootstrap,
                       toml_list(scores.refusals, toml_string), toml_list(scores.compliances, toml_string));
}

}  // namespace gatesweep
