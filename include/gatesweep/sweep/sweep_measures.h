// From records of a sweep to the numbers of its tables: pure, on the final rank.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gatesweep/base/nd_array.h"
#include "gatesweep/label/labelling.h"
#include "gatesweep/sweep/outcomes.h"
#include "gatesweep/sweep/score_texts.h"
#include "gatesweep/sweep/sweep_context.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

// Rows of the prompts whose group is one of `wanted`, ascending; `groups` by prompt.
std::vector<std::int64_t> rows_of_groups(std::vector<std::string> const& groups,
                                         std::vector<std::string> const& wanted);
// Those that a sweep generates on.
std::vector<std::int64_t> sweep_rows(SweepSpec const& sweep, std::vector<std::string> const& groups);
// Of those, the ones that its screen measures: the first of each group, in the job's order of groups.
std::vector<std::int64_t> screen_rows(SweepSpec const& sweep, std::vector<std::string> const& groups);

// Effects on the texts that were scored, by trial and group; `groups` by prompt.
std::map<std::pair<std::int64_t, std::string>, TextEffect> text_effects(std::vector<std::string> const& groups,
                                                                        std::vector<ForcedScore> const& scores);

// What a sweep left of a reply, for its tables.
struct MeasuredReply {
    std::int64_t trial = 0;   // of the plan
    std::int64_t prompt = 0;  // row of tables/prompts.csv
    std::optional<std::string_view> text;
    ReplyLabel label;
};

// Labels and side effects in the order that the tables want: the swept groups first, in the job's order, then those
// watched. `groups` by prompt; `counts` [P,L,E] are the job's activation counts.
SweepOutcomes collect_outcomes(SweepSpec const& sweep, std::vector<std::string> const& groups, TrialPlan const& plan,
                               std::vector<MeasuredReply> const& replies,
                               std::map<std::pair<std::int64_t, std::string>, TextEffect> texts,
                               NdArray<std::int64_t> const& counts);

}  // namespace gatesweep
