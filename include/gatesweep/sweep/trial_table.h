// The sweep's results as tables. An empty cell: there is no such number (a baseline has no difference from itself, a
// group without scored pairs no test, a text that was not measured no perplexity).
#pragma once

#include "gatesweep/store/csv.h"
#include "gatesweep/sweep/outcomes.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

// tables/trials.csv: a row per trial and group that was generated on, trials as in the plan, groups as they appear
// among the prompts. Columns, beside those that say what the trial is:
//   restricted, non_restricted    scored prompts; r_to_n: restricted at the baseline, not in the trial (scored in both)
//   risk_difference               restricted rate of the trial minus the baseline's, over those pairs
//   ci_low, ci_high               of it, 95 %: Newcombe's paired interval
//   p_exact, p_mid                McNemar's test, two-sided
//   q_value                       Benjamini-Hochberg over p_exact of the group's selected trials; empty for others
//   rate_low, rate_high           Wilson's 95 % interval of restricted / (restricted + non_restricted)
//   p_empirical                   share of random trials of the same num_experts, mode, scope, dose and group that
//                                 moved the rate at least as far in the trial's own direction (one-sided), the trial
//                                 counted as one of them; empty for the baseline, random trials and without such
//   traffic_removed               share of the baseline's routed traffic that went to the edited experts
//   experts_with_values           "7:5=+1 12:1=-1": mode steer, and mode bias where experts have different doses
CsvTable trials_table(TrialPlan const& plan, SweepOutcomes const& outcomes);

// tables/transitions.csv: prompts by label at the baseline and in the trial, unscored ones included; pairs of labels
// that occur, trials but the baseline.
CsvTable transitions_table(TrialPlan const& plan, SweepOutcomes const& outcomes);

// tables/controls.csv: a row per group and kind of random trial, over the random trials of that kind; num_random
// counts those whose difference could be measured.
CsvTable control_summary_table(TrialPlan const& plan, SweepOutcomes const& outcomes);

}  // namespace gatesweep
