#include "gatesweep/sweep/trial_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gatesweep/analysis/prevalence.h"
#include "gatesweep/store/table_catalogue.h"
#include "gatesweep/sweep/trial_effects.h"

namespace gatesweep {
namespace {

using Cells = std::vector<std::string>;

template <class T>
std::string cell(std::optional<T> const& value) {
    return value ? to_cell(*value) : "";
}

// A value of a map of numbers by trial and group; absent or NaN is empty.
std::string measured_cell(double value) {
    return std::isnan(value) ? "" : to_cell(value);
}

std::string experts_with_values(Trial const& trial) {
    bool const shared = std::all_of(trial.edits.begin(), trial.edits.end(),
                                    [&](ExpertEdit const& edit) { return edit.value == trial.edits.front().value; });
    EditValue const kind = facts_of(trial.mode).value;
    if (kind == EditValue::none || (kind == EditValue::dose && shared)) return "";
    std::string text;
    for (ExpertEdit const& edit : trial.edits)
        text += fmt::format("{}{}={:+}", text.empty() ? "" : " ", to_string(edit.id), edit.value);
    return text;
}

Cells identity_cells(Trial const& trial) {
    bool const edits = trial.kind != TrialKind::baseline;
    return {trial.id,
            trial.name,
            to_cell(to_string(trial.kind)),
            trial.signal,
            trial.expert_class,
            to_cell(trial.edits.size()),
            cell(trial.gap_threshold),
            edits ? to_cell(to_string(trial.mode)) : "",
            cell(trial.seed),
            to_string(trial.experts())};
}

Cells effect_cells(TrialEffect const& effect) {
    Cells cells = {to_cell(effect.num_prompts),  to_cell(effect.restricted),       to_cell(effect.non_restricted),
                   to_cell(effect.pairs.both),   to_cell(effect.pairs.only_first), to_cell(effect.pairs.only_second),
                   to_cell(effect.pairs.neither)};
    if (effect.difference && effect.test) {
        auto const& [estimate, interval] = *effect.difference;
        for (double const value : {estimate, interval.low, interval.high, effect.test->exact, effect.test->mid})
            cells.push_back(to_cell(value));
    } else {
        cells.resize(cells.size() + 5);
    }
    cells.push_back(cell(effect.q_value));
    return cells;
}

Cells setting_cells(Trial const& trial) {
    bool const edits = trial.kind != TrialKind::baseline;
    return {edits ? to_cell(to_string(trial.scope)) : "", cell(trial.dose), to_cell(trial.edits.size()),
            to_cell(trial.num_cells), trial.matched_to};
}

Cells rate_cells(TrialEffect const& effect) {
    Cells cells(2);
    if (effect.num_scored() > 0) {
        Interval const interval = wilson_interval(effect.restricted, effect.num_scored());
        cells = {to_cell(interval.low), to_cell(interval.high)};
    }
    cells.push_back(cell(effect.p_empirical));
    for (std::int64_t const count : effect.labels)
        cells.push_back(to_cell(count));
    cells.push_back(to_cell(effect.num_empty));
    cells.push_back(to_cell(effect.num_repetitive));
    return cells;
}

Cells corrected_cells(TrialEffect const& effect, std::optional<LabelCounts> const& validation) {
    if (!validation) return Cells(3);
    auto const corrected =
        corrected_rate(effect.restricted - effect.num_human_restricted, effect.num_scored() - effect.num_human_scored,
                       effect.num_human_restricted, effect.num_human_scored, *validation);
    if (!corrected) return Cells(3);
    return {to_cell(corrected->estimate), to_cell(corrected->interval.low), to_cell(corrected->interval.high)};
}

void append(Cells& row, Cells const& cells) {
    row.insert(row.end(), cells.begin(), cells.end());
}

}  // namespace

CsvTable trials_table(TrialPlan const& plan, SweepOutcomes const& outcomes,
                      std::optional<LabelCounts> const& validation) {
    CsvTable table = new_table("trials");

    auto const groups = trial_effects(plan, outcomes);
    for (std::size_t t = 0; t < plan.trials.size(); ++t) {
        Trial const& trial = plan.trials[t];
        for (GroupEffects const& group : groups) {
            auto const key = std::pair(static_cast<std::int64_t>(t), group.group);
            auto const text = outcomes.text.find(key);
            auto const traffic = outcomes.traffic_share.find(key);
            TextEffect const effect_on_text = text == outcomes.text.end() ? TextEffect{} : text->second;
            Cells row = identity_cells(trial);
            row.push_back(group.group);
            append(row, effect_cells(group.trials[t]));
            row.push_back(measured_cell(effect_on_text.perplexity_ratio));
            append(row, setting_cells(trial));
            append(row, rate_cells(group.trials[t]));
            row.push_back(measured_cell(effect_on_text.mean_kl));
            row.push_back(traffic == outcomes.traffic_share.end() ? "" : measured_cell(traffic->second));
            row.push_back(experts_with_values(trial));
            append(row, {to_cell(group.trials[t].num_human), to_cell(group.trials[t].num_mixed)});
            append(row, corrected_cells(group.trials[t], validation));
            auto const affected = outcomes.tokens_affected.find(key);
            row.push_back(affected == outcomes.tokens_affected.end() ? "" : to_cell(affected->second));
            table.rows.push_back(std::move(row));
        }
    }
    return table;
}

}  // namespace gatesweep
