#include "gatesweep/sweep/sweep_measures.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "gatesweep/label/fluency.h"

namespace gatesweep {
namespace {

// Sums of one trial on one group, in prompt order.
struct TextSums {
    double nll = 0.0, kl = 0.0;
    std::int64_t num_targets = 0;
};

// Share of the routed slots of a group's prompts, without edits, that went to the trial's experts.
double traffic_share(Trial const& trial, std::vector<std::int64_t> const& rows, NdArray<std::int64_t> const& counts,
                     MoeLayers const& moe_layers) {
    std::int64_t edited = 0, all = 0;
    for (std::int64_t p : rows) {
        for (std::int64_t l = 0; l < counts.shape[1]; ++l) {
            for (std::int64_t e = 0; e < counts.shape[2]; ++e)
                all += counts.at(p, l, e);
        }
        for (ExpertEdit const& edit : trial.edits)
            edited += counts.at(p, moe_layers.row(edit.id.layer), edit.id.expert);
    }
    return all == 0 ? 0.0 : static_cast<double>(edited) / static_cast<double>(all);
}

}  // namespace

std::map<std::pair<std::int64_t, std::string>, TextEffect> text_effects(std::vector<std::string> const& groups,
                                                                        std::vector<ForcedScore> const& scores) {
    std::map<std::pair<std::int64_t, std::string>, TextSums> sums;
    for (ForcedScore const& s : scores) {
        TextSums& sum = sums[{s.variant, groups[static_cast<std::size_t>(s.prompt)]}];
        sum.nll += s.score.nll_sum;
        sum.kl += s.score.kl_sum;
        sum.num_targets += s.score.num_targets;
    }
    std::map<std::pair<std::int64_t, std::string>, TextEffect> effects;
    for (auto const& [key, sum] : sums) {
        auto const baseline = sums.find({0, key.second});
        if (baseline == sums.end() || sum.num_targets == 0) continue;
        auto const n = static_cast<double>(sum.num_targets);
        effects[key] = {std::exp((sum.nll - baseline->second.nll) / n), sum.kl / n};
    }
    return effects;
}

std::vector<std::int64_t> rows_of_groups(std::vector<std::string> const& groups,
                                         std::vector<std::string> const& wanted) {
    std::vector<std::int64_t> rows;
    for (std::size_t p = 0; p < groups.size(); ++p) {
        if (std::find(wanted.begin(), wanted.end(), groups[p]) != wanted.end())
            rows.push_back(static_cast<std::int64_t>(p));
    }
    return rows;
}

std::vector<std::int64_t> sweep_rows(SweepSpec const& sweep, std::vector<std::string> const& groups) {
    std::vector<std::string> wanted = sweep.prompts;
    wanted.insert(wanted.end(), sweep.side_effects.begin(), sweep.side_effects.end());
    return rows_of_groups(groups, wanted);
}

std::vector<std::int64_t> screen_rows(SweepSpec const& sweep, std::vector<std::string> const& groups) {
    std::int64_t const limit = sweep.screen.limit;
    std::vector<std::int64_t> rows;
    for (std::string const& group : sweep.prompts) {
        auto of_group = rows_of_groups(groups, {group});
        if (limit > 0 && std::ssize(of_group) > limit) of_group.resize(static_cast<std::size_t>(limit));
        rows.insert(rows.end(), of_group.begin(), of_group.end());
    }
    return rows;
}

SweepOutcomes collect_outcomes(SweepSpec const& sweep, std::vector<std::string> const& groups, TrialPlan const& plan,
                               std::vector<MeasuredReply> const& replies,
                               std::map<std::pair<std::int64_t, std::string>, TextEffect> texts,
                               NdArray<std::int64_t> const& counts) {
    SweepOutcomes outcomes;
    std::vector<std::string> order = sweep.prompts;
    order.insert(order.end(), sweep.side_effects.begin(), sweep.side_effects.end());
    std::map<std::int64_t, std::size_t> row_of;
    std::map<std::string, std::vector<std::int64_t>> rows_of;
    for (std::string const& group : order) {
        for (std::size_t p = 0; p < groups.size(); ++p) {
            if (groups[p] != group) continue;
            auto const prompt = static_cast<std::int64_t>(p);
            row_of[prompt] = outcomes.prompt_index.size();
            outcomes.prompt_index.push_back(prompt);
            outcomes.group.push_back(group);
            rows_of[group].push_back(prompt);
        }
    }
    outcomes.mixed = sweep.labels.mixed;
    outcomes.outcomes.assign(plan.trials.size(), std::vector<Outcome>(outcomes.prompt_index.size()));
    for (MeasuredReply const& reply : replies) {
        outcomes.outcomes[static_cast<std::size_t>(reply.trial)][row_of.at(reply.prompt)] = {
            reply.label.label, reply.text && is_empty(*reply.text), reply.text && is_repetitive(*reply.text),
            reply.label.by == LabelSource::person};
    }
    outcomes.text = std::move(texts);
    for (std::size_t t = 1; t < plan.trials.size(); ++t) {
        for (auto const& [group, rows] : rows_of) {
            outcomes.traffic_share[{static_cast<std::int64_t>(t), group}] =
                traffic_share(plan.trials[t], rows, counts, plan.moe_layers);
        }
    }
    return outcomes;
}

}  // namespace gatesweep
