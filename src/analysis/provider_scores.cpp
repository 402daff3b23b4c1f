#include "gatesweep/analysis/provider_scores.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "gatesweep/analysis/bootstrap.h"
#include "gatesweep/base/error.h"
#include "providers/gate_mass.h"
#include "providers/log_ratio.h"
#include "providers/logit_gradient.h"
#include "providers/reap.h"
#include "providers/risk_difference_scores.h"
#include "providers/routing_sensitivity_scores.h"
#include "providers/safex.h"
#include "providers/signal_scores.h"

namespace gatesweep {
namespace {

struct ProviderRow {
    std::string_view word;
    ProviderScores (*scores)(ProviderContext const&);
};

constexpr std::array rows = {
    ProviderRow{"safex", safex_scores},
    ProviderRow{"gate-mass", gate_mass_scores},
    ProviderRow{"reap", reap_scores},
    ProviderRow{"logit-gradient", logit_gradient_scores},
    ProviderRow{"log-ratio", log_ratio_scores},
    ProviderRow{risk_difference_word, risk_difference_scores},
    ProviderRow{routing_sensitivity_word, routing_sensitivity_scores},
};

ProviderScores scores_by_word(std::string const& word, ProviderContext const& context) {
    if (auto const import = context.input.imported.find(word); import != context.input.imported.end()) {
        ProviderScores out;
        out.name = word;
        out.positive = "as its table says";
        out.scores = import->second;
        return out;
    }
    auto const facts = find_provider(word);
    GATESWEEP_VALIDATE(facts, ExitCode::job,
                       "[scores] providers names \"{}\", which is no score provider: leave it out", printable(word));
    ProviderScores out;
    if (SignalFacts const* const signal = find_signal(word)) {
        out = signal_scores(context, signal->kind);
    } else {
        auto const row = std::ranges::find(rows, std::string_view(word), &ProviderRow::word);
        GATESWEEP_EXPECT(row != rows.end());
        out = row->scores(context);
    }
    out.name = word;
    out.positive = facts->positive;
    return out;
}

void add_intervals(ProviderScores& scores) {
    auto const num_resamples = static_cast<std::size_t>(scores.resampled.shape[0]);
    std::size_t const num_experts = scores.scores.values.size();
    std::vector<double> of_expert(num_resamples);
    for (std::size_t i = 0; i < num_experts; ++i) {
        for (std::size_t b = 0; b < num_resamples; ++b)
            of_expert[b] = scores.resampled.values[b * num_experts + i];
        Interval const interval = percentile_interval(of_expert);
        scores.low.push_back(interval.low);
        scores.high.push_back(interval.high);
    }
}

}  // namespace

std::vector<std::int64_t> order_by_magnitude(std::span<double const> scores) {
    std::vector<std::int64_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        return std::abs(scores[static_cast<std::size_t>(a)]) > std::abs(scores[static_cast<std::size_t>(b)]);
    });
    return order;
}

ProviderScores completed(ProviderScores scores) {
    auto const& values = scores.scores.values;
    if (scores.importance.empty()) {
        for (double const score : values)
            scores.importance.push_back(std::abs(score));
    }
    if (scores.has_intervals()) add_intervals(scores);
    if (scores.order.empty()) scores.order = order_by_magnitude(values);
    scores.rank.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        scores.rank[static_cast<std::size_t>(scores.order[i])] = static_cast<std::int64_t>(i) + 1;
    return scores;
}

std::vector<ProviderScores> provider_scores(AnalysisInput const& input) {
    if (input.scores.providers.empty()) return {};
    ProviderContext const context = provider_context(input);
    std::vector<ProviderScores> out;
    for (std::string const& word : input.scores.providers)
        out.push_back(completed(scores_by_word(word, context)));
    return out;
}

}  // namespace gatesweep
