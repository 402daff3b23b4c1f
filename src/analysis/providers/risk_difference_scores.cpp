#include "risk_difference_scores.h"

#include "gatesweep/analysis/risk_difference.h"
#include "gatesweep/base/error.h"

namespace gatesweep {

ProviderScores risk_difference_scores(ProviderContext const& context) {
    PairInput const& pairs = context.input.pairs;
    GATESWEEP_VALIDATE(!pairs.is_empty(), ExitCode::bad_data,
                       "the run holds no pairs (the provider {} compares them): run the job anew with [[pairs]], or "
                       "leave the provider out",
                       risk_difference_word);
    PairRowsOf const first = rows_by_name(pairs).front();
    std::int64_t const num_layers = pairs.counts.shape[2], num_experts = pairs.counts.shape[3];
    ProviderScores out;
    out.scores = {num_layers, num_experts, pooled_differences(pairs, all_rows(first.rows))};
    auto const draws = resampled_pairs(first, context.input.scores.bootstrap);
    out.resampled = NdArray<double>({std::ssize(draws), num_layers, num_experts});
    auto to = out.resampled.values.begin();
    for (DrawnRows const& rows : draws)
        to = std::ranges::copy(pooled_differences(pairs, rows), to).out;
    return out;
}

}  // namespace gatesweep
