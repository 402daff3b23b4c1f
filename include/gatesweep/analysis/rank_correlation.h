// Correlation of ranks (C. Spearman, Am. J. Psychol. 15:72, 1904), equals sharing their mean rank.
#pragma once

#include <span>

namespace gatesweep {

// Pairs without a finite number on both sides are left out. NaN below three pairs, or where one side is all equal.
double rank_correlation(std::span<double const> x, std::span<double const> y);

}  // namespace gatesweep
