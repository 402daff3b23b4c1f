// Each provider's formula by plain loops of its own, its ranks and intervals, and what shuffled labels find.
#include "gatesweep/analysis/provider_scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "analysis/provider_input.h"
#include "gatesweep/analysis/analysis.h"
#include "gatesweep/analysis/bootstrap.h"
#include "gatesweep/analysis/provider_tables.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

using Map = std::vector<double>;

AnalysisInput example(std::uint64_t seed, int prompts = 9) {
    std::mt19937_64 random(seed);
    test::InputSpec spec;
    spec.groups = test::mixed_groups({{"benign", prompts}, {"harmful", prompts + 1}, {"other", 2}}, random);
    return test::provider_input(spec, random);
}

ProviderScores const& of(std::vector<ProviderScores> const& all, std::string const& name) {
    return *std::ranges::find(all, name, &ProviderScores::name);
}

// f(prompt, index of the expert) summed over the prompts of a group.
template <class F>
double sum_over(AnalysisInput const& input, std::string const& group, std::size_t i, F const& f) {
    double sum = 0;
    for (std::size_t p = 0; p < input.groups.size(); ++p) {
        if (input.groups[p] == group) sum += f(p, i);
    }
    return sum;
}

class Formulas : public testing::Test {
protected:
    AnalysisInput const input_ = example(5);
    std::vector<ProviderScores> const all_ = provider_scores(input_);
    std::size_t const size_ = input_.activation_counts.values.size() / input_.groups.size();

    double count(std::size_t p, std::size_t i) const {
        return static_cast<double>(input_.activation_counts.values[p * size_ + i]);
    }
    double measured(Measure kind, std::size_t p, std::size_t i) const {
        return input_.measures.at(kind).values[p * size_ + i];
    }
    double tokens(std::size_t p) const { return static_cast<double>(input_.num_tokens[p]); }
    template <class F>
    double mean(std::string const& group, std::size_t i, F const& f) const {
        return sum_over(input_, group, i, f) / static_cast<double>(std::ranges::count(input_.groups, group));
    }
    template <class F>
    void expect(std::string const& name, F const& expected) const {
        for (std::size_t i = 0; i < size_; ++i)
            EXPECT_NEAR(of(all_, name).scores.values[i], expected(i), 1e-12) << name << " " << i;
    }
};

TEST_F(Formulas, TheSignalsAreTheGapsOfTheirClasses) {
    AnalysisResult const result = analyze(input_);
    for (SignalAnalysis const& signal : result.signals) {
        auto const& scores = of(all_, std::string(facts_of(signal.signal).job_word)).scores.values;
        for (std::size_t i = 0; i < size_; ++i)
            EXPECT_EQ(scores[i], signal.classes[i].gap);
    }
}

TEST_F(Formulas, GateMassIsWeightByToken) {
    auto const share = [&](std::size_t p, std::size_t i) { return measured(Measure::gate_mass, p, i) / tokens(p); };
    expect("gate-mass", [&](std::size_t i) { return mean("harmful", i, share) - mean("benign", i, share); });
}

TEST_F(Formulas, ReapIsAMeanOverRoutedTokens) {
    auto const norm = [&](std::size_t p, std::size_t i) { return measured(Measure::output_norm, p, i); };
    auto const routed = [&](std::size_t p, std::size_t i) { return count(p, i); };
    auto const saliency = [&](std::vector<std::string> const& groups, std::size_t i) {
        double sum = 0, number = 0;
        for (auto const& group : groups) {
            sum += sum_over(input_, group, i, norm);
            number += sum_over(input_, group, i, routed);
        }
        return number > 0 ? sum / number : 0.0;
    };
    expect("reap", [&](std::size_t i) { return saliency({"harmful"}, i) - saliency({"benign"}, i); });
    for (std::size_t i = 0; i < size_; ++i)
        EXPECT_NEAR(of(all_, "reap").importance[i], saliency({"benign", "harmful"}, i), 1e-12);
}

TEST_F(Formulas, LogRatioIsSmoothed) {
    auto const log_share = [&](std::string const& group, std::size_t i) {
        return std::log((sum_over(input_, group, i, [&](auto p, auto j) { return count(p, j); }) + 0.5) /
                        (sum_over(input_, group, i, [&](auto p, auto) { return tokens(p); }) + 1.0));
    };
    expect("log-ratio", [&](std::size_t i) { return log_share("harmful", i) - log_share("benign", i); });
}

TEST_F(Formulas, LogitGradientIsThatOfTheMaliciousGroup) {
    expect("logit-gradient", [&](std::size_t i) {
        return mean("harmful", i, [&](auto p, auto j) { return measured(Measure::margin_gradient, p, j); });
    });
}

TEST_F(Formulas, SafexCountsResamplesInWhoseTopAnExpertIs) {
    Map expected(size_);
    for (auto const& [group, stream, sign] : {std::tuple{"benign", 0, -1.0}, {"harmful", 1, 1.0}}) {
        std::vector<std::int64_t> rows;
        for (std::size_t p = 0; p < input_.groups.size(); ++p) {
            if (input_.groups[p] == group) rows.push_back(static_cast<std::int64_t>(p));
        }
        for (DrawnRows const& drawn : resampled_rows(rows, 200, static_cast<std::uint64_t>(stream))) {
            std::vector<std::pair<double, std::size_t>> scores;
            for (std::size_t i = 0; i < size_; ++i) {
                double sum = 0;
                for (DrawnRow const& row : drawn)
                    sum += row.times * count(static_cast<std::size_t>(row.row), i) /
                           (2.0 * tokens(static_cast<std::size_t>(row.row)));
                scores.emplace_back(-sum, i);
            }
            std::ranges::sort(scores);
            for (std::size_t i = 0; i < 10; ++i)
                expected[scores[i].second] += sign / 200.0;
        }
    }
    // Where two experts share the tenth place up to rounding, either may be counted.
    double differences = 0;
    for (std::size_t i = 0; i < size_; ++i)
        differences += std::abs(of(all_, "safex").scores.values[i] - expected[i]);
    EXPECT_LE(differences, 0.06);
    EXPECT_FALSE(of(all_, "safex").has_intervals());
}

TEST(ProviderScores, RankByMagnitudeAndLieInTheirIntervals) {
    auto const input = example(6, 30);
    for (ProviderScores const& provider : provider_scores(input)) {
        auto const& scores = provider.scores.values;
        EXPECT_EQ(std::set(provider.rank.begin(), provider.rank.end()).size(), scores.size());
        for (std::size_t i = 0; i + 1 < scores.size(); ++i) {
            EXPECT_GE(std::abs(scores[static_cast<std::size_t>(provider.order[i])]),
                      std::abs(scores[static_cast<std::size_t>(provider.order[i + 1])]));
            EXPECT_EQ(provider.rank[static_cast<std::size_t>(provider.order[i])], static_cast<std::int64_t>(i) + 1);
        }
        if (!provider.has_intervals()) continue;
        std::int64_t inside = 0;
        for (std::size_t i = 0; i < scores.size(); ++i) {
            EXPECT_LE(provider.low[i], provider.high[i]);
            inside += provider.low[i] <= scores[i] && scores[i] <= provider.high[i];
        }
        EXPECT_GE(inside, std::ssize(scores) * 9 / 10) << provider.name;
    }
}

TEST(ProviderScores, AreTheSameEveryTimeAndIndependentOfWhatElseIsAsked) {
    auto input = example(7);
    auto const all = provider_scores(input);
    input.scores.providers = {"reap", "activation"};
    auto const two = provider_scores(input);
    for (ProviderScores const& provider : two) {
        EXPECT_EQ(provider.scores.values, of(all, provider.name).scores.values);
        EXPECT_EQ(provider.low, of(all, provider.name).low);
        EXPECT_EQ(provider.high, of(all, provider.name).high);
    }
    input.scores.bootstrap = 0;
    EXPECT_FALSE(provider_scores(input).front().has_intervals());
    auto const table = providers_table(provider_scores(input), {});
    EXPECT_EQ(table.rows.size(), 2 * all.front().scores.values.size());
    EXPECT_EQ(table.text(0, "low"), "");
}

TEST(ProviderScores, SayWhatTheyMiss) {
    auto input = example(8);
    auto& margins = input.measures.at(Measure::margin_gradient);
    for (std::int64_t p = 0; p < margins.shape[0]; ++p) {
        if (input.groups[static_cast<std::size_t>(p)] != "harmful") std::ranges::fill(margins.row(p), std::nan(""));
    }
    EXPECT_NO_THROW(analyze(input));
    std::swap(input.parameters.benign, input.parameters.malicious);
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "measured on another group than \"benign\"");
    std::swap(input.parameters.benign, input.parameters.malicious);
    input.measures.erase(Measure::output_norm);
    EXPECT_ERROR(provider_scores(input), ExitCode::bad_data, "output_norm.npy");
    input.scores.providers = {"routing-sensitivity"};
    EXPECT_ERROR(provider_scores(input), ExitCode::bad_data, "[audit]");
}

TEST(Bootstrap, DrawsAsManyRowsAsThereAre) {
    std::vector<std::int64_t> const rows = {3, 5, 8, 9, 20};
    auto const drawn = resampled_rows(rows, 500, 4);
    ASSERT_EQ(drawn.size(), 500u);
    std::map<std::int64_t, double> total;
    for (DrawnRows const& one : drawn) {
        double sum = 0;
        for (auto const [row, times] : one) {
            sum += times;
            total[row] += times;
        }
        EXPECT_EQ(sum, 5.0);
    }
    for (std::int64_t const row : rows)
        EXPECT_NEAR(total[row], 500.0, 75.0);
    EXPECT_EQ(total.size(), rows.size());
    auto const again = resampled_rows(rows, 3, 4);
    for (std::size_t i = 0; i < again.size(); ++i)
        EXPECT_EQ(again[i].size(), drawn[i].size());
}

TEST(Bootstrap, PercentilesByHand) {
    Interval const interval = percentile_interval({5, 1, 3, std::nan(""), 2, 4});
    EXPECT_DOUBLE_EQ(interval.low, 1.1);
    EXPECT_DOUBLE_EQ(interval.high, 4.9);
    EXPECT_TRUE(std::isnan(percentile_interval({1}).low));
}

// Share of the experts whose interval leaves 0 out.
std::map<std::string, double> discoveries(AnalysisInput const& input) {
    std::map<std::string, double> found;
    for (ProviderScores const& provider : provider_scores(input)) {
        double number = 0;
        for (std::size_t i = 0; i < provider.low.size(); ++i)
            number += provider.low[i] > 0 || provider.high[i] < 0;
        found[provider.name] = number / static_cast<double>(provider.scores.values.size());
    }
    return found;
}

// The percentile bootstrap of 40 prompts a group finds a little more than its nominal 5 %.
TEST(ShuffledLabels, FindNothingBeyondTheNominalRate) {
    std::mt19937_64 random(9);
    test::InputSpec spec{.num_layers = 3, .num_experts = 8, .top_k = 2, .groups = {}, .max_tokens = 40};
    spec.groups = test::mixed_groups({{"benign", 40}, {"harmful", 40}}, random);
    auto input = test::provider_input(spec, random);
    test::plant(input, "harmful", 1, 3);
    input.scores.providers = {"activation", "gradient", "gradient-share", "gate-mass", "reap", "log-ratio"};
    auto const planted = provider_scores(input);
    for (std::string const name : {"activation", "log-ratio"})
        EXPECT_EQ(of(planted, name).rank[1 * 8 + 3], 1) << name;

    constexpr int num_shuffles = 200;
    std::map<std::string, double> rate;
    std::map<std::string, int> first;  // shuffles in which the planted expert still ranks first
    for (int shuffle = 0; shuffle < num_shuffles; ++shuffle) {
        std::ranges::shuffle(input.groups, random);
        for (auto const& [name, share] : discoveries(input))
            rate[name] += share / num_shuffles;
    }
    for (auto const& [name, share] : rate) {
        EXPECT_LE(share, 0.08) << name;
        EXPECT_GE(share, 0.03) << name;
        RecordProperty(name, std::to_string(share));
    }
}

}  // namespace
}  // namespace gatesweep
