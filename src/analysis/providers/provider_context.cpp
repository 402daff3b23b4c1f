#include "provider_context.h"

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

// Streams of the bootstrap: the groups are drawn independently.
enum Stream : std::uint64_t { benign_stream, malicious_stream };

std::vector<std::int64_t> rows_of(AnalysisInput const& input, std::string const& group) {
    std::vector<std::int64_t> rows;
    for (std::size_t p = 0; p < input.groups.size(); ++p) {
        if (input.groups[p] == group) rows.push_back(static_cast<std::int64_t>(p));
    }
    return rows;
}

template <class T>
std::vector<double> sum(NdArray<T> const& maps, DrawnRows const& rows) {
    std::vector<double> out(static_cast<std::size_t>(maps.shape[1] * maps.shape[2]));
    for (auto const [row, times] : rows) {
        auto const map = maps.row(row);
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] += times * static_cast<double>(map[i]);
    }
    return out;
}

}  // namespace

std::size_t ProviderContext::num_experts() const {
    return static_cast<std::size_t>(input.activation_counts.shape[1] * input.activation_counts.shape[2]);
}

NdArray<double> const& ProviderContext::measure(Measure kind) const {
    auto const found = input.measures.find(kind);
    GATESWEEP_VALIDATE(found != input.measures.end(), ExitCode::bad_data,
                       "arrays/{}.npy: the run did not measure this (a provider of [scores] needs it): run the job "
                       "anew with the provider, or leave it out",
                       facts_of(kind).word);
    return found->second;
}

ProviderContext provider_context(AnalysisInput const& input) {
    auto const benign = rows_of(input, input.parameters.benign), malicious = rows_of(input, input.parameters.malicious);
    ProviderContext context{input, {all_rows(benign), all_rows(malicious)}, {}};
    auto const benign_draws = resampled_rows(benign, input.scores.bootstrap, benign_stream);
    auto const malicious_draws = resampled_rows(malicious, input.scores.bootstrap, malicious_stream);
    for (std::size_t b = 0; b < benign_draws.size(); ++b)
        context.resamples.push_back({benign_draws[b], malicious_draws[b]});
    return context;
}

ProviderScores scores_of(ProviderContext const& context, Formula const& formula) {
    auto const& shape = context.input.activation_counts.shape;
    ProviderScores out;
    out.scores = {shape[1], shape[2], formula(context.measured)};
    out.resampled.shape = {std::ssize(context.resamples), shape[1], shape[2]};
    for (Draw const& draw : context.resamples) {
        auto const scores = formula(draw);
        out.resampled.values.insert(out.resampled.values.end(), scores.begin(), scores.end());
    }
    return out;
}

std::vector<double> sum_of(NdArray<double> const& maps, DrawnRows const& rows) {
    return sum(maps, rows);
}

std::vector<double> sum_of(NdArray<std::int64_t> const& maps, DrawnRows const& rows) {
    return sum(maps, rows);
}

std::vector<double> mean_of(NdArray<double> const& maps, DrawnRows const& rows) {
    double count = 0.0;
    for (DrawnRow const& row : rows)
        count += row.times;
    auto mean = sum(maps, rows);
    for (double& value : mean)
        value /= count;
    return mean;
}

std::vector<double> difference(std::vector<double> malicious, std::vector<double> const& benign) {
    for (std::size_t i = 0; i < malicious.size(); ++i)
        malicious[i] -= benign[i];
    return malicious;
}

}  // namespace gatesweep
