#include "log_ratio.h"

#include <cmath>

namespace gatesweep {
namespace {

// Half a token is added to both outcomes (J. B. S. Haldane, Ann. Hum. Genet. 20:309, 1956), so that an expert that one
// group never chose has a ratio.
std::vector<double> log_shares(AnalysisInput const& input, DrawnRows const& rows) {
    double tokens = 0.0;
    for (auto const [row, times] : rows)
        tokens += times * static_cast<double>(input.num_tokens[static_cast<std::size_t>(row)]);
    auto logs = sum_of(input.activation_counts, rows);
    for (double& count : logs)
        count = std::log((count + 0.5) / (tokens + 1.0));
    return logs;
}

}  // namespace

ProviderScores log_ratio_scores(ProviderContext const& context) {
    return scores_of(context, [&](Draw const& draw) {
        return difference(log_shares(context.input, draw.malicious), log_shares(context.input, draw.benign));
    });
}

}  // namespace gatesweep
