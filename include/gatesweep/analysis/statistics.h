// Tests and intervals for yes/no outcomes, alone and in pairs. Pure functions of counts.
//
// Every interval takes z, the normal quantile of its two-sided level; the default gives 95 %.
#pragma once

#include <cstdint>

namespace gatesweep {

inline constexpr double z_95 = 1.959963984540054;

struct Interval {
    double low = 0.0;
    double high = 0.0;
};

// Wilson's score interval for a rate (E. B. Wilson, JASA 22:209, 1927). Without trials nothing is known: [0, 1].
Interval wilson_interval(std::int64_t num_successes, std::int64_t num_trials, double z = z_95);

// The same prompts under two conditions.
struct PairedCounts {
    std::int64_t both = 0;
    std::int64_t only_first = 0;
    std::int64_t only_second = 0;
    std::int64_t neither = 0;

    std::int64_t num_pairs() const { return both + only_first + only_second + neither; }
};

// McNemar's test, two-sided, by the binomial distribution of the discordant pairs. `exact` is twice the smaller tail,
// `mid` counts only half of the observed outcome in that tail (Fagerland et al., BMC Med. Res. Methodol. 13:91, 2013);
// neither exceeds 1. With as many pairs of one kind as of the other, none included, both are 1.
struct McNemarTest {
    double exact = 1.0;
    double mid = 1.0;
};
McNemarTest mcnemar_test(std::int64_t only_first, std::int64_t only_second);

// Rate of the second condition minus rate of the first, and its interval by Newcombe's method 10 (Stat. Med. 17:2635,
// 1998): Wilson limits of both rates, joined with the continuity-corrected correlation phi. Without discordant pairs
// the interval still has the width that so many pairs leave open. Without pairs: NaN and [-1, 1].
struct RateDifference {
    double estimate = 0.0;
    Interval interval;
};
RateDifference paired_difference(PairedCounts const& pairs, double z = z_95);

}  // namespace gatesweep
