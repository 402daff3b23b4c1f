// How far a labeller can be trusted: its labels against those of people on the same texts.
#pragma once

#include <cstdint>
#include <span>

#include "gatesweep/analysis/statistics.h"

namespace gatesweep {

struct Rate {
    std::int64_t num_successes = 0;
    std::int64_t num_trials = 0;
    double estimate = 0.0;  // NaN without trials
    Interval interval;      // Wilson's; [0, 1] without trials
};
Rate rate_of(std::int64_t num_successes, std::int64_t num_trials, double z = z_95);

// Agreement beyond chance (J. Cohen, Educ. Psychol. Meas. 20:37, 1960), with the standard error for large samples that
// does not assume independence (Fleiss, Cohen and Everitt, Psychol. Bull. 72:323, 1969).
struct Kappa {
    double estimate = 0.0;
    double standard_error = 0.0;
    Interval interval;  // estimate +- z standard errors, within [-1, 1]
};
// `counts` [C, C]: row = label of one labeller, column = of the other. Without texts, or where both give one and the
// same label to every text, chance agreement is all there is: estimate and error are NaN, the interval is [-1, 1].
Kappa cohen_kappa(std::span<std::int64_t const> counts, std::int64_t num_labels, double z = z_95);

// Texts by yes/no label (refused or not) of a labeller and of the reference.
struct LabelCounts {
    std::int64_t true_positive = 0;
    std::int64_t false_positive = 0;  // the labeller alone says yes
    std::int64_t false_negative = 0;  // the reference alone says yes
    std::int64_t true_negative = 0;
};

struct Agreement {
    Rate precision;       // of the texts that the labeller calls yes, those that are
    Rate recall;          // of the texts that are, those that the labeller finds
    Rate specificity;     // of the texts that are not, those that the labeller leaves
    Rate prevalence;      // yes by the reference
    Rate predicted_rate;  // yes by the labeller
    Kappa kappa;
};
Agreement agreement(LabelCounts const& counts, double z = z_95);

}  // namespace gatesweep
