// The golden interventions: what Hugging Face transformers generates with an edited router (tests/golden/README.md).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gatesweep/ops/router_edits.h"
#include "support/golden.h"

namespace gatesweep {

struct Intervention {
    std::string name;
    EditMode mode = EditMode::mask;
    EditScope scope = EditScope::both;
    std::vector<RouterEdit> edits;
    std::vector<std::int64_t> prompts;                  // rows
    std::vector<std::vector<std::int32_t>> greedy_ids;  // of each
};

inline std::vector<Intervention> load_interventions(nlohmann::json const& json) {
    static std::map<std::string, EditMode> const modes = {{"mask", EditMode::mask},
                                                          {"zero", EditMode::zero},
                                                          {"zero-renormalise", EditMode::zero_renormalise},
                                                          {"steer", EditMode::steer},
                                                          {"bias", EditMode::bias}};
    static std::map<std::string, EditScope> const scopes = {
        {"prefill", EditScope::prefill}, {"decode", EditScope::decode}, {"both", EditScope::both}};
    std::vector<Intervention> interventions;
    for (auto const& entry : json.at("interventions")) {
        Intervention one{entry.at("name"),    modes.at(entry.at("mode")), scopes.at(entry.at("scope")), {},
                         entry.at("prompts"), entry.at("greedy_ids")};
        for (auto const& expert : entry.at("experts"))
            one.edits.push_back({expert[0], expert[1], expert[2]});
        interventions.push_back(std::move(one));
    }
    return interventions;
}

inline nlohmann::json interventions_json(Golden const& golden) {
    return nlohmann::json::parse(read_file(golden.folder / "interventions.json"));
}

}  // namespace gatesweep
