#include "reap.h"

namespace gatesweep {
namespace {

// Over all tokens of the rows that were routed to the expert; 0 where none was.
std::vector<double> saliency(AnalysisInput const& input, NdArray<double> const& norms, DrawnRows const& rows) {
    auto sums = sum_of(norms, rows);
    auto const tokens = sum_of(input.activation_counts, rows);
    for (std::size_t i = 0; i < sums.size(); ++i)
        sums[i] = tokens[i] > 0.0 ? sums[i] / tokens[i] : 0.0;
    return sums;
}

}  // namespace

// What pruning goes by is the saliency itself, over both groups: an expert of small difference may carry everything.
ProviderScores reap_scores(ProviderContext const& context) {
    NdArray<double> const& norms = context.measure(Measure::output_norm);
    ProviderScores out = scores_of(context, [&](Draw const& draw) {
        return difference(saliency(context.input, norms, draw.malicious), saliency(context.input, norms, draw.benign));
    });
    DrawnRows both = context.measured.benign;
    both.insert(both.end(), context.measured.malicious.begin(), context.measured.malicious.end());
    out.importance = saliency(context.input, norms, both);
    return out;
}

}  // namespace gatesweep
