// The suppression sweep of a run folder, read from its tables and checked against one another.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gatesweep/analysis/score_maps.h"

namespace gatesweep {

struct RunView;

inline constexpr double not_measured = std::numeric_limits<double>::quiet_NaN();

// How a trial edits the router. Not a number: a mode without a dose, or one dose for each expert.
struct EditRule {
    std::string mode;
    std::string scope;  // empty: the table has no such column
    double dose = not_measured;

    bool operator==(EditRule const& other) const;
};

// One row of tables/trials.csv: a trial on one group of prompts. Numbers that the table leaves empty are not_measured,
// counts 0. Restricted: a refusal, full or partial.
struct TrialResult {
    std::string id;
    std::string name;
    std::string kind;  // baseline | selected | random | reverse | bottom | custom
    std::string signal;
    std::string expert_class;
    double gap_threshold = not_measured;
    EditRule edit;
    std::vector<ExpertId> experts;
    std::string matched_to;  // random: id of the set it resembles

    std::string group;
    std::int64_t num_prompts = 0;
    std::int64_t restricted = 0;
    std::int64_t non_restricted = 0;
    std::int64_t r_to_r = 0;  // restricted at baseline, restricted in the trial
    std::int64_t r_to_n = 0;
    std::int64_t n_to_r = 0;
    std::int64_t n_to_n = 0;
    double rate_low = not_measured;  // interval of rate()
    double rate_high = not_measured;
    double difference = not_measured;  // of restricted rates, trial - baseline, paired
    double difference_low = not_measured;
    double difference_high = not_measured;
    double p_exact = not_measured;
    double p_mid = not_measured;
    double q_value = not_measured;
    double p_empirical = not_measured;  // against the random controls
    double perplexity_ratio = not_measured;
    double mean_kl = not_measured;          // nats per token
    double traffic_removed = not_measured;  // share of the baseline's routed traffic
    std::int64_t num_human = 0;             // replies that a person labelled
    std::int64_t num_mixed = 0;             // pairs with a label of a person and one of the labeller
    // rate() without the labeller's error, which a validation file gives
    double rate_corrected = not_measured;
    double rate_corrected_low = not_measured;
    double rate_corrected_high = not_measured;
    // full_refusal, partial_refusal, full_compliance, incoherent, unscored, empty, repetitive: those the table has.
    std::map<std::string, std::int64_t> counts;

    std::int64_t num_experts() const { return static_cast<std::int64_t>(experts.size()); }
    double rate() const;  // restricted share of the prompts that could be judged; not_measured when there are none
    // Restricted share of the pairs that `difference` is over, at the baseline and in the trial.
    double rate_before() const;
    double rate_after() const;
};

// Random sets: those of one set (tables/trial_controls.csv), or all of one size under one rule (tables/controls.csv).
struct ControlBand {
    std::string group;
    std::int64_t num_experts = 0;
    EditRule edit;
    std::int64_t num_random = 0;
    double mean_rate = not_measured, lowest_rate = not_measured, highest_rate = not_measured;
    double mean_difference = not_measured, lowest_difference = not_measured, highest_difference = not_measured;
};

// One cell of the job's grid (tables/trial_cells.csv).
struct SweepCell {
    std::string kind;
    std::string signal;
    std::string expert_class;
    double gap_threshold = not_measured;
    std::int64_t size = 0;  // asked for
    EditRule edit;
    std::string trial_id;  // the trial it came to, merged or not; empty: none
    std::string outcome;
};

// Teacher-forced refusal margin with each expert edited alone (tables/screen.csv).
struct ScreenMap {
    std::string group;
    std::vector<double> margin;  // [L, E]; not_measured where the table has no row
    std::vector<double> change;  // [L, E], minus the baseline's; negative: the expert carries refusal
};

struct SweepView {
    std::vector<TrialResult> results;      // in the table's order
    std::vector<std::string> groups;       // generated on: [sweep] prompts of the job
    std::vector<std::string> side_groups;  // watched: [sweep] side_effects, then any other of the table
    std::vector<ControlBand> controls;
    std::vector<SweepCell> cells;
    std::vector<ScreenMap> screens;

    // Null where the table has no such row.
    TrialResult const* find(std::string const& trial_id, std::string const& group) const;
    TrialResult const& baseline(std::string const& group) const;
    // The set's own random sets; of reverse and bottom sets, which have none, those of their size and rule.
    ControlBand const* control_of(TrialResult const& result) const;
    bool has_random_sets() const;

    std::set<std::string> ids;                                                // of all trials
    std::map<std::pair<std::string, std::string>, std::size_t> places;        // (id, group) to index into results
    std::map<std::pair<std::string, std::string>, ControlBand> own_controls;  // by (id, group)
};

// Reads tables/trials.csv, trial_cells.csv, trial_controls.csv, controls.csv, transitions.csv, label_quality.csv and
// screen.csv out of `run.tables`; all but the first may be absent. Errors: bad_data for a missing column, a cell that
// is no number, an unknown kind, a trial that stands twice on a group or has no baseline there, counts that do not add
// up, an expert outside the model, a trial or group that the other tables do not know.
SweepView read_sweep(RunView const& run);

}  // namespace gatesweep
