// Correlation of ranks: Spearman's rho (Am. J. Psychol. 15:72, 1904), equals sharing their mean rank, and Kendall's
// tau-b (Biometrika 33:239, 1945).
//
// Both leave out pairs without a finite number on both sides, and are NaN below three pairs, or where one side is all
// equal.
#pragma once

#include <span>
#include <vector>

namespace gatesweep {

double rank_correlation(std::span<double const> x, std::span<double const> y);
// By W. R. Knight's way (JASA 61:436, 1966), n log n.
double kendall_tau(std::span<double const> x, std::span<double const> y);

// The parts of rank_correlation, for a caller that compares one list with many: ranks of finite numbers, and the
// correlation of two such lists.
std::vector<double> mean_ranks(std::span<double const> values);
double correlation_of_ranks(std::span<double const> a, std::span<double const> b);

}  // namespace gatesweep
