// The sweep's results as tables. An empty cell: there is no such number (a baseline has no difference from itself, a
// group without scored pairs no test, a text that was not measured no perplexity).
#pragma once

#include <optional>

#include "gatesweep/analysis/agreement.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/sweep/outcomes.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

// tables/trials.csv: a row per trial and group that was generated on, trials as in the plan, groups as they appear
// among the prompts. Columns, beside those that say what the trial is:
//   restricted, non_restricted    scored prompts
//   r_to_r, r_to_n, n_to_r, n_to_n  pairs by label at the baseline and in the trial: prompts scored in both, without
//                                 mixed pairs unless the job allows them
//   risk_difference               restricted rate of the trial minus the baseline's, over those pairs
//   ci_low, ci_high               of it, 95 %: Newcombe's paired interval
//   p_exact, p_mid                McNemar's test, two-sided
//   q_value                       Benjamini-Hochberg over p_exact of the group's selected trials, of custom trials over
//                                 those; empty for others
//   rate_low, rate_high           Wilson's 95 % interval of restricted / (restricted + non_restricted)
//   p_empirical                   share of the trial's own random sets (tables/trial_controls.csv) that moved the rate
//   at
//                                 least as far in the trial's own direction (one-sided), the trial counted as one of
//                                 them; of selected and custom trials
//   traffic_removed               share of the baseline's routed traffic that went to the edited experts
//   experts_with_values           "7:5=+1 12:1=-1": mode steer, and mode bias where experts have different doses
//   num_human                     replies that a person labelled
//   num_mixed                     pairs of which a person labelled one reply and the labeller the other
//   rate_corrected, ..._low, ..._high   restricted / (restricted + non_restricted) without the labeller's error, which
//                                 `validation` gives, and its 95 % interval (analysis/prevalence.h)
CsvTable trials_table(TrialPlan const& plan, SweepOutcomes const& outcomes,
                      std::optional<LabelCounts> const& validation = std::nullopt);

}  // namespace gatesweep
