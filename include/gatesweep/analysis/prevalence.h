// A rate of refusals as it would be without the labeller's error, which is known from texts that people labelled.
#pragma once

#include <cstdint>
#include <optional>

#include "gatesweep/analysis/agreement.h"

namespace gatesweep {

struct CorrectedRate {
    double estimate = 0.0;  // within [0, 1]
    Interval interval;      // within [0, 1], around the estimate
};

// Rogan and Gladen's estimator (Am. J. Epidemiol. 107:71, 1978): (rate + specificity - 1) / (recall + specificity - 1),
// recall and specificity being those of `validation`. The interval is Lang and Reiczigel's (Prev. Vet. Med. 113:13,
// 2014): the delta method over the errors of all three rates, with a few observations added to each so that it keeps
// its level for rates near 0 and 1. Nothing without texts, where the validation holds no refusal or nothing else, and
// where the labeller is no better than chance.
std::optional<CorrectedRate> corrected_rate(std::int64_t num_positive, std::int64_t num, LabelCounts const& validation,
                                            double z = z_95);

// The same where people labelled some of the texts, without error: the two parts' rates, weighed by their number, their
// intervals joined as Newcombe joins independent ones (Stat. Med. 17:873, 1998).
std::optional<CorrectedRate> corrected_rate(std::int64_t num_positive, std::int64_t num,
                                            std::int64_t num_positive_by_people, std::int64_t num_by_people,
                                            LabelCounts const& validation, double z = z_95);

}  // namespace gatesweep
