#include "gatesweep/analysis/provider_agreement.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <optional>

#include "gatesweep/analysis/bootstrap.h"
#include "gatesweep/analysis/rank_correlation.h"
#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

// Streams of the bootstrap beside those of the providers' prompts.
constexpr std::uint64_t first_screen_stream = 1000;

// A list of scores, with what comparisons need of it.
struct Ranked {
    std::vector<double> scores, ranks, magnitude_ranks;
    std::vector<std::int64_t> top;  // ascending

    Ranked(std::vector<double> values, std::int64_t num_top) : scores(std::move(values)), ranks(mean_ranks(scores)) {
        std::vector<double> magnitudes;
        for (double const score : scores)
            magnitudes.push_back(std::abs(score));
        magnitude_ranks = mean_ranks(magnitudes);
        top = order_by_magnitude(scores);
        top.resize(std::min(top.size(), static_cast<std::size_t>(num_top)));
        std::ranges::sort(top);
    }
};

double num_common(Ranked const& a, Ranked const& b) {
    std::vector<std::int64_t> common;
    std::ranges::set_intersection(a.top, b.top, std::back_inserter(common));
    return static_cast<double>(common.size());
}

std::int64_t num_resamples(ProviderScores const& provider) {
    return provider.has_intervals() ? provider.resampled.shape[0] : 0;
}

Ranked as_measured(ProviderScores const& provider, std::int64_t top) {
    return {provider.scores.values, top};
}

// Nothing for a provider without resamples: it stands as it is.
std::optional<Ranked> resample(ProviderScores const& provider, std::int64_t b, std::int64_t top) {
    if (b >= num_resamples(provider)) return std::nullopt;
    auto const row = provider.resampled.row(b);
    return Ranked({row.begin(), row.end()}, top);
}

// What an estimate is made of: as measured, and by resample.
struct Sampled {
    double value = 0.0;
    std::vector<double> resampled;

    Estimate estimate() const { return {value, percentile_interval(resampled)}; }
};

std::vector<double> mean_change(NdArray<double> const& change, DrawnRows const& rows) {
    std::vector<double> mean(static_cast<std::size_t>(change.shape[1] * change.shape[2]));
    for (auto const [row, times] : rows) {
        auto const of_row = change.row(row);
        for (std::size_t i = 0; i < mean.size(); ++i)
            mean[i] += times * of_row[i];
    }
    for (double& value : mean)
        value /= static_cast<double>(change.shape[0]);
    return mean;
}

std::vector<std::int64_t> row_numbers(NdArray<double> const& array) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(array.shape[0]));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    return rows;
}

ProviderOnScreen compared(ProviderScores const& provider, Ranked const& measured, std::span<Ranked const> resampled,
                          std::string const& group, Ranked const& screen, std::span<Ranked const> screens) {
    Sampled spearman, signed_spearman, share;
    auto const num_top = static_cast<double>(screen.top.size());
    spearman.value = correlation_of_ranks(measured.magnitude_ranks, screen.magnitude_ranks);
    signed_spearman.value = correlation_of_ranks(measured.ranks, screen.ranks);
    share.value = num_common(measured, screen) / num_top;
    for (std::size_t b = 0; b < screens.size(); ++b) {
        Ranked const& scores = b < resampled.size() ? resampled[b] : measured;
        spearman.resampled.push_back(correlation_of_ranks(scores.magnitude_ranks, screens[b].magnitude_ranks));
        signed_spearman.resampled.push_back(correlation_of_ranks(scores.ranks, screens[b].ranks));
        share.resampled.push_back(num_common(scores, screens[b]) / num_top);
    }
    return {provider.name, group, spearman.estimate(), signed_spearman.estimate(), share.estimate()};
}

}  // namespace

std::vector<ProviderAgreement> provider_agreements(std::span<ProviderScores const> providers, std::int64_t top) {
    struct Pair {
        std::size_t a, b;
        Sampled spearman, kendall, overlap;
    };
    std::vector<Ranked> measured;
    std::int64_t count = 0;
    for (ProviderScores const& provider : providers) {
        measured.push_back(as_measured(provider, top));
        count = std::max(count, num_resamples(provider));
    }
    std::vector<Pair> pairs;
    for (std::size_t a = 0; a < providers.size(); ++a) {
        for (std::size_t b = a + 1; b < providers.size(); ++b) {
            Ranked const &x = measured[a], &y = measured[b];
            pairs.push_back({a,
                             b,
                             {correlation_of_ranks(x.ranks, y.ranks), {}},
                             {kendall_tau(x.scores, y.scores), {}},
                             {num_common(x, y), {}}});
        }
    }
    for (std::int64_t r = 0; r < count; ++r) {
        std::vector<std::optional<Ranked>> resampled;
        for (ProviderScores const& provider : providers)
            resampled.push_back(resample(provider, r, top));
        for (Pair& pair : pairs) {
            auto const &a = resampled[pair.a], &b = resampled[pair.b];
            if (!a && !b) continue;
            Ranked const& x = a ? *a : measured[pair.a];
            Ranked const& y = b ? *b : measured[pair.b];
            pair.spearman.resampled.push_back(correlation_of_ranks(x.ranks, y.ranks));
            pair.kendall.resampled.push_back(kendall_tau(x.scores, y.scores));
            pair.overlap.resampled.push_back(num_common(x, y));
        }
    }
    std::vector<ProviderAgreement> out;
    for (Pair const& pair : pairs) {
        out.push_back({providers[pair.a].name, providers[pair.b].name, pair.spearman.estimate(),
                       pair.kendall.estimate(), pair.overlap.estimate()});
    }
    return out;
}

std::vector<GroupScreen> screens_by_group(NdArray<double> const& change, std::span<std::string const> groups) {
    GATESWEEP_EXPECT(change.shape.size() == 3 && change.shape[0] == std::ssize(groups));
    std::vector<GroupScreen> out;
    for (std::size_t row = 0; row < groups.size(); ++row) {
        auto found = std::ranges::find(out, groups[row], &GroupScreen::group);
        if (found == out.end()) {
            found = out.insert(out.end(), {groups[row], {}});
            found->change.shape = {0, change.shape[1], change.shape[2]};
        }
        auto const values = change.row(static_cast<std::int64_t>(row));
        found->change.values.insert(found->change.values.end(), values.begin(), values.end());
        ++found->change.shape[0];
    }
    return out;
}

std::vector<ProviderOnScreen> providers_on_screen(std::span<ProviderScores const> providers,
                                                  std::span<GroupScreen const> screens, std::int64_t top) {
    std::int64_t count = 0;
    for (ProviderScores const& provider : providers)
        count = std::max(count, num_resamples(provider));
    std::vector<Ranked> measured;
    std::vector<std::vector<Ranked>> resampled;
    for (GroupScreen const& screen : screens) {
        auto const rows = row_numbers(screen.change);
        measured.emplace_back(mean_change(screen.change, all_rows(rows)), top);
        auto const stream = first_screen_stream + resampled.size();
        resampled.emplace_back();
        for (DrawnRows const& drawn : resampled_rows(rows, count, stream))
            resampled.back().emplace_back(mean_change(screen.change, drawn), top);
    }
    std::vector<ProviderOnScreen> out;
    for (ProviderScores const& provider : providers) {
        std::vector<Ranked> draws;
        for (std::int64_t r = 0; r < num_resamples(provider); ++r)
            draws.push_back(*resample(provider, r, top));
        for (std::size_t g = 0; g < screens.size(); ++g) {
            out.push_back(
                compared(provider, as_measured(provider, top), draws, screens[g].group, measured[g], resampled[g]));
        }
    }
    return out;
}

}  // namespace gatesweep
