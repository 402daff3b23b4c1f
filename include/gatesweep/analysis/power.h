// How many prompts a paired comparison needs. After R. J. Connor, Biometrics 43:207, 1987 (O. S. Miettinen's question,
// Biometrics 24:339, 1968): the normal approximation of McNemar's test.
//
// `difference` is the change of the rate to be seen, `discordant` the share of prompts whose label changes either way;
// 0 < |difference| <= discordant <= 1. With z as in statistics.h.
#pragma once

#include <cstdint>
#include <optional>

#include "gatesweep/analysis/statistics.h"

namespace gatesweep {

// The x with P(X <= x) = probability for a standard normal X; the probability lies in (0, 1).
double normal_quantile(double probability);

// The smallest number of pairs at which the test finds the difference with this probability. Nothing where the
// conditions above do not hold, where power is not in (0, 1), or where the number exceeds 2^53.
std::optional<std::int64_t> pairs_needed(double difference, double discordant, double power = 0.8, double z = z_95);

// The probability that the test finds the difference, in its direction, among so many pairs; NaN where the conditions
// do not hold (a difference of 0 is allowed here).
double power_of_test(std::int64_t num_pairs, double difference, double discordant, double z = z_95);

}  // namespace gatesweep
