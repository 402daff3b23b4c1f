#include "trial_content.h"

#include <vector>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/words.h"

namespace gatesweep {
std::string trial_content(EditMode mode, EditScope scope, std::span<ExpertEdit const> edits) {
    std::string text = fmt::format("{}|{}|", to_string(mode), to_string(scope));
    for (std::size_t i = 0; i < edits.size(); ++i) {
        text += fmt::format("{}{}={}", i == 0 ? "" : ";", to_string(edits[i].id), to_cell(edits[i].value));
    }
    return text;
}

std::string trial_id(std::string const& content) {
    return "t" + sha256_hex(content).substr(0, 12);
}

KnownTrials::Place KnownTrials::add(Trial& trial, std::size_t next_index) {
    std::string const content = trial_content(trial.mode, trial.scope, trial.edits);
    trial.id = trial_id(content);
    auto const [found, is_new] = by_id_.emplace(trial.id, Known{content, next_index});
    // An id is 48 bits of a digest: two trials with one id would mix their results.
    GATESWEEP_VALIDATE(found->second.content == content, ExitCode::internal,
                       "two different trials have the id {} (their results would be mixed): change a size of the sweep",
                       trial.id);
    return {found->second.index, is_new};
}

std::string refusal(EditMode mode, std::span<ExpertEdit const> edits, RouterShape const& shape, bool allow_fewer) {
    if (!facts_of(mode).takes_away) return {};
    std::vector<std::int64_t> activated(static_cast<std::size_t>(shape.num_layers), 0);
    std::vector<std::int64_t> left(static_cast<std::size_t>(shape.num_layers), shape.num_experts);
    for (ExpertEdit const& edit : edits) {
        bool const activates = facts_of(mode).value == EditValue::sign && edit.value > 0.0;
        auto const layer = static_cast<std::size_t>(shape.moe_layers.row(edit.id.layer));
        activates ? ++activated[layer] : --left[layer];
    }
    for (std::size_t l = 0; l < left.size(); ++l) {
        std::int64_t const layer = shape.moe_layers.layer(static_cast<std::int64_t>(l));
        if (left[l] < 1) return fmt::format("layer {} would be left without experts", layer);
        if (left[l] < shape.top_k && !allow_fewer) {
            return fmt::format("layer {} would be left with {} of the {} that every token needs", layer,
                               plural(left[l], "expert"), shape.top_k);
        }
        if (activated[l] > shape.top_k) {
            return fmt::format("layer {} would have {} activated, a token has room for {}", layer,
                               plural(activated[l], "expert"), shape.top_k);
        }
    }
    return {};
}

std::string manner(EditMode mode, std::optional<double> dose, EditScope scope) {
    std::string text;
    if (mode != EditMode::mask) text += fmt::format(", {}", to_string(mode));
    if (dose) text += fmt::format(" {}", to_cell(*dose));
    if (scope != EditScope::both) text += fmt::format(", {}", to_string(scope));
    return text;
}

}  // namespace gatesweep
