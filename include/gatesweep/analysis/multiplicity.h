// What a single p-value means when it is one of many, or when sets chosen at random were tried beside it.
#pragma once

#include <span>
#include <vector>

namespace gatesweep {

// Benjamini and Hochberg's step-up procedure (J. R. Stat. Soc. B 57:289, 1995) as q-values: the smallest false
// discovery rate at which the hypothesis would still be rejected. In the order of `p_values`; equal p give equal q. A
// NaN is no hypothesis: it gets NaN and does not count.
std::vector<double> benjamini_hochberg(std::span<double const> p_values);

// Share of random controls whose effect is at least as extreme in the direction of `effect` (one-sided; every control
// is as extreme as no effect), the tried set counted as one of them: (1 + count) / (number + 1), so it is never 0.
// Controls that are NaN were not measured and do not count. NaN when the effect is NaN or no control is left.
double empirical_p(double effect, std::span<double const> controls);

}  // namespace gatesweep
