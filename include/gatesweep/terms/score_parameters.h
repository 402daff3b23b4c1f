// What [scores] of a job says: the one struct that job, measurement, analysis and report share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/terms/score_provider.h"

namespace gatesweep {

// A table of scores from elsewhere, and the name that it goes by here.
struct ImportedScores {
    std::string name;
    std::filesystem::path file;

    bool operator==(ImportedScores const&) const = default;
};

struct ScoreParameters {
    std::vector<std::string>
        providers;                 // words of score_provider.h, names of imports; empty: none, and no table of theirs
    std::int64_t bootstrap = 200;  // resamples for intervals; 0: no intervals
    // Openings behind the prompt whose first tokens make the margin of the logit gradient.
    std::vector<std::string> refusals, compliances;
    std::vector<ImportedScores> imports;  // providers too, by their names

    // Null for a name that no imported table has.
    ImportedScores const* import_named(std::string_view name) const {
        auto const found = std::ranges::find(imports, name, &ImportedScores::name);
        return found == imports.end() ? nullptr : &*found;
    }
    bool has(std::string_view word) const { return std::ranges::find(providers, word) != providers.end(); }
    bool needs(Measure measure) const {
        return std::ranges::any_of(providers, [measure](std::string const& word) {
            auto const facts = find_provider(word);
            return facts && facts->needs == measure;
        });
    }
    bool operator==(ScoreParameters const&) const = default;
};

}  // namespace gatesweep
