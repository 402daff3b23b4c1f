#include "gatesweep/sweep/trial_plan.h"

#include <algorithm>
#include <set>

#include "custom_trials.h"
#include "expert_sets.h"
#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/terms/rank_class.h"
#include "grid_rows.h"
#include "random_controls.h"
#include "steered_sets.h"

namespace gatesweep {
namespace {

class Planner {
public:
    Planner(SweepSpec const& sweep, AnalysisParameters const& analysis, AnalysisResult const& result)
        : sweep_(sweep), analysis_(analysis), result_(result), manners_(manners_of(sweep)) {
        plan_.num_layers = result.num_layers;
        plan_.num_experts = result.num_experts;
        plan_.moe_layers = result.moe_layers;
        Trial baseline;
        baseline.id = baseline.name = "baseline";
        plan_.trials.push_back(std::move(baseline));
    }

    TrialPlan plan() {
        if (sweep_.has_grid()) {
            add_classes(TrialKind::selected);
            if (sweep_.controls.reverse) add_classes(TrialKind::reverse);
            if (sweep_.controls.bottom) add_smallest_gaps();
        }
        add_steered(TrialKind::selected);
        if (sweep_.controls.reverse) add_steered(TrialKind::reverse);
        if (sweep_.controls.bottom) add_steered(TrialKind::bottom);
        add_custom();
        add_random_controls(sweep_, result_, known_, plan_);
        return std::move(plan_);
    }

private:
    RouterShape shape() const { return {result_.num_layers, result_.num_experts, result_.top_k, result_.moe_layers}; }

    // The job's, or those that fit classes with so many experts, ascending.
    std::vector<std::int64_t> sizes_of(std::vector<std::int64_t> const& class_sizes) const {
        if (sweep_.sizes) return *sweep_.sizes;
        std::set<std::int64_t> sizes;
        for (std::int64_t const num_in_class : class_sizes) {
            auto const fitting = automatic_sizes(num_in_class);
            sizes.insert(fitting.begin(), fitting.end());
        }
        return {sizes.begin(), sizes.end()};
    }

    // How many experts the job's classes have, at each of the signal's gap thresholds.
    std::vector<std::int64_t> class_sizes(SignalGaps const& gaps) const {
        std::vector<std::int64_t> sizes;
        for (auto const& name : sweep_.classes) {
            if (is_rank_class(name)) continue;
            for (double const gap : gaps.gap_thresholds)
                sizes.push_back(std::ssize(ranked_class(gaps.experts, expert_class(name), {gap, gaps.min})));
        }
        return sizes;
    }

    void add_classes(TrialKind kind) {
        for (auto const& signal : sweep_.signals) {
            for (auto const& name : sweep_.classes) {
                if (is_rank_class(name) && kind == TrialKind::selected) add_rank_class(signal, name);
                if (is_rank_class(name) || !find_signal(signal)) continue;
                SignalGaps const gaps = signal_gaps(signal, sweep_, analysis_, result_);
                auto const label = kind == TrialKind::reverse ? opposite(expert_class(name)) : expert_class(name);
                if (!label) continue;
                for (double const gap : gaps.gap_thresholds) {
                    auto const ranking = ranked_class(gaps.experts, *label, {gap, gaps.min});
                    for (std::int64_t const size : sizes_of({std::ssize(ranking)}))
                        add({kind, signal, std::string(to_string(*label)), gap, size, ranking});
                }
            }
        }
    }

    void add_ranks(TrialKind kind, std::string const& signal, std::string const& name,
                   std::vector<ExpertId> const& ranking) {
        // Without sizes of the job: those that leave half of the experts.
        for (std::int64_t const size : sizes_of({std::max<std::int64_t>(1, std::ssize(ranking) / 2)}))
            add({kind, signal, name, std::nullopt, size, ranking});
    }

    void add_rank_class(std::string const& signal, std::string const& name) {
        auto const ranking = by_rank(signal, name, result_);
        add_ranks(TrialKind::selected, signal, name, ranking);
        for (double const share : sweep_.shares) {
            auto const experts = share_of_layers(ranking, share, result_);
            add({TrialKind::selected, signal, name, std::nullopt, std::ssize(experts), experts, share});
        }
    }

    void add_smallest_gaps() {
        for (auto const& signal : sweep_.signals) {
            if (!find_signal(signal)) {
                if (std::ranges::none_of(sweep_.classes, is_rank_class)) continue;
                add_ranks(TrialKind::bottom, signal, "", by_rank(signal, bottom_class, result_));
                continue;
            }
            SignalGaps const gaps = signal_gaps(signal, sweep_, analysis_, result_);
            auto const ranking = by_smallest_gap(gaps.experts);
            for (std::int64_t const size : sizes_of(class_sizes(gaps)))
                add({TrialKind::bottom, signal, "", std::nullopt, size, ranking});
        }
    }

    void add(Selection const& selection) {
        for (Manner const& how : manners_) {
            Trial trial = trial_of(selection, how);
            GridCell cell = cell_of(selection, how);
            std::string const why = refusal(how.mode, trial.edits, shape(), sweep_.allow_fewer);
            if (trial.edits.empty()) {
                cell.outcome = "no expert in the class";
            } else if (!why.empty()) {
                cell.outcome = "refused: " + why;
            } else {
                add(std::move(trial), cell);
            }
            plan_.cells.push_back(std::move(cell));
        }
    }

    void add_steered(TrialKind kind) {
        if (!sweep_.has_steered_sets()) return;
        for (auto& [cell, trial] : steered_cells(kind, sweep_, result_)) {
            if (!trial.edits.empty()) add(std::move(trial), cell);
            plan_.cells.push_back(std::move(cell));
        }
    }

    void add_custom() {
        for (Trial& trial : custom_trials(sweep_, shape(), &result_, &plan_.notices)) {
            GridCell cell;
            cell.kind = trial.kind;
            cell.signal = trial.signal;
            cell.size = std::ssize(trial.edits);
            cell.mode = trial.mode;
            cell.scope = trial.scope;
            cell.dose = trial.dose;
            cell.name = trial.name;
            add(std::move(trial), cell);
            plan_.cells.push_back(std::move(cell));
        }
    }

    // A trial of its own, or another cell of one that does the same.
    void add(Trial trial, GridCell& cell) {
        auto const [index, is_new] = known_.add(trial, plan_.trials.size());
        cell.trial_id = trial.id;
        cell.outcome = is_new ? "trial" : "same as " + trial.id;
        if (is_new) plan_.trials.push_back(std::move(trial));
        ++plan_.trials[index].num_cells;
    }

    SweepSpec const& sweep_;
    AnalysisParameters const& analysis_;
    AnalysisResult const& result_;
    std::vector<Manner> const manners_;
    KnownTrials known_;
    TrialPlan plan_;
};

}  // namespace

std::string_view to_string(TrialKind kind) {
    switch (kind) {
        case TrialKind::baseline:
            return "baseline";
        case TrialKind::selected:
            return "selected";
        case TrialKind::random:
            return "random";
        case TrialKind::reverse:
            return "reverse";
        case TrialKind::bottom:
            return "bottom";
        case TrialKind::custom:
            break;
    }
    return "custom";
}

std::vector<ExpertId> Trial::experts() const {
    std::vector<ExpertId> ids;
    for (ExpertEdit const& edit : edits)
        ids.push_back(edit.id);
    return ids;
}

std::int64_t Trial::lowest_layer(std::int64_t num_layers) const {
    return edits.empty() ? num_layers : edits.front().id.layer;
}

std::int64_t TrialPlan::num_merged_cells() const {
    return std::count_if(cells.begin(), cells.end(),
                         [](GridCell const& cell) { return cell.outcome.starts_with("same as "); });
}

std::string TrialPlan::digest() const {
    std::string ids;
    for (Trial const& trial : trials)
        ids += trial.id + '\n';
    return sha256_hex(ids);
}

std::vector<std::int64_t> automatic_sizes(std::int64_t num_in_class) {
    std::vector<std::int64_t> sizes;
    for (std::int64_t const size : {1, 2, 3}) {
        if (size < num_in_class) sizes.push_back(size);
    }
    for (std::int64_t decade = 1; 5 * decade < num_in_class; decade *= 10) {
        for (std::int64_t const factor : {5, 10, 20}) {
            if (factor * decade < num_in_class) sizes.push_back(factor * decade);
        }
    }
    sizes.push_back(std::max<std::int64_t>(num_in_class, 1));
    return sizes;
}

TrialPlan plan_trials(SweepSpec const& sweep, AnalysisParameters const& analysis, AnalysisResult const& result) {
    return Planner(sweep, analysis, result).plan();
}

}  // namespace gatesweep
