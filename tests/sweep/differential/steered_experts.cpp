// Prints the set of experts that a published table of scores gives: a line of layer, expert and +1 or -1 each.
//   steered_experts TABLE LAYERS EXPERTS TOP_K ACTIVATE DEACTIVATE [reverse]
// steermoe_tables.py compares them with the published rule.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "gatesweep/analysis/imported_scores.h"
#include "sweep/steered_sets.h"

int main(int argc, char** argv) {
    using namespace gatesweep;
    if (argc < 7) return 64;
    try {
        auto const number = [&](int i) { return static_cast<std::int64_t>(std::atoll(argv[i])); };
        RouterShape const shape{number(2), number(3), number(4), {}};
        ScoreMap const scores = read_imported_scores(argv[1], shape.num_layers, shape.num_experts, {});
        bool const reverse = argc > 7 && std::string(argv[7]) == "reverse";
        SteeredExperts const experts = steered_experts(scores.view(), {"table", number(5), number(6), reverse}, shape);
        for (ExpertEdit const& edit : experts.edits)
            std::printf("%lld %lld %+d\n", static_cast<long long>(edit.id.layer),
                        static_cast<long long>(edit.id.expert), edit.value > 0 ? 1 : -1);
        return experts.shortage.empty() ? 0 : 65;
    } catch (std::exception const& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 65;
    }
}
