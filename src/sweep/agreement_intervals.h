#pragma once

#include <cstdint>

#include "gatesweep/sweep/label_validation.h"

namespace gatesweep {

// A share with the interval of Wilson (J. Am. Stat. Assoc. 22, 1927), 95 %. NaN for a total of 0.
Estimate wilson_share(std::int64_t count, std::int64_t total);

// Cohen's kappa of two yes-or-no ratings with the large-sample interval of Fleiss, Cohen and Everitt (Psychol. Bull.
// 72, 1969, equation 13), 95 %, cut to [-1, 1]. NaN where chance alone would agree always.
Estimate cohen_kappa(std::int64_t both, std::int64_t only_first, std::int64_t only_second, std::int64_t neither);

}  // namespace gatesweep
