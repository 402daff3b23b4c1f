#include "steered_sets.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "gatesweep/base/error.h"
#include "gatesweep/base/words.h"

namespace gatesweep {
namespace {

std::vector<std::int64_t> axis(std::vector<std::int64_t> const& numbers) {
    return numbers.empty() ? std::vector<std::int64_t>{0} : numbers;
}

GridCell cell_of(TrialKind kind, SteeredSet const& set, EditScope scope) {
    GridCell cell;
    cell.kind = kind;
    cell.signal = set.provider;
    cell.expert_class = kind == TrialKind::bottom ? "" : set.reverse ? "steered-reverse" : "steered";
    cell.size = set.activate + set.deactivate;
    cell.mode = EditMode::steer;
    cell.scope = scope;
    return cell;
}

Trial trial_of(GridCell const& cell, SteeredSet const& set, SteeredExperts experts) {
    Trial trial;
    trial.name = (cell.kind == TrialKind::bottom ? "smallest of " : "") + name_of(set) +
                 manner(cell.mode, std::nullopt, cell.scope);
    trial.kind = cell.kind;
    trial.signal = cell.signal;
    trial.expert_class = cell.expert_class;
    trial.mode = cell.mode;
    trial.scope = cell.scope;
    trial.edits = std::move(experts.edits);
    return trial;
}

}  // namespace

SteeredExperts steered_experts(MapView scores, SteeredSet const& set, RouterShape const& shape, SteeredFrom from) {
    std::vector<std::int64_t> order = order_by_magnitude(scores.values);
    if (from == SteeredFrom::bottom) {
        std::ranges::stable_sort(order, {}, [&](std::int64_t i) {
            return std::pair(std::abs(scores.values[static_cast<std::size_t>(i)]), i);
        });
    }
    SteeredExperts out;
    std::vector<std::int64_t> activated(static_cast<std::size_t>(shape.num_layers), 0);
    std::int64_t num_activated = 0, num_deactivated = 0;
    for (std::int64_t const i : order) {
        double const score = (set.reverse ? -1.0 : 1.0) * scores.values[static_cast<std::size_t>(i)];
        std::int64_t const row = i / scores.num_experts;
        ExpertId const id{shape.moe_layers.layer(row), i % scores.num_experts};
        if (score > 0.0 && num_activated < set.activate) {
            ++num_activated;
            if (activated[static_cast<std::size_t>(row)]++ < shape.top_k)
                out.edits.push_back({id, 1.0});
            else
                out.passed_over.push_back(id);
        } else if (score < 0.0 && num_deactivated < set.deactivate) {
            ++num_deactivated;
            out.edits.push_back({id, -1.0});
        }
    }
    std::ranges::sort(out.edits);
    auto const require = [&](std::int64_t found, std::int64_t wanted, std::string_view side, std::string_view verb) {
        if (found < wanted && out.shortage.empty())
            out.shortage = fmt::format("{} has {} {} 0, and {} are to be {}", set.provider, plural(found, "score"),
                                       side, wanted, verb);
    };
    require(num_activated, set.activate, set.reverse ? "below" : "above", "activated");
    require(num_deactivated, set.deactivate, set.reverse ? "above" : "below", "deactivated");
    return out;
}

std::string name_of(SteeredSet const& set) {
    std::string text = set.provider;
    if (set.reverse) text += " reversed";
    if (set.activate > 0) text += fmt::format(" +{}", set.activate);
    if (set.deactivate > 0) text += fmt::format(" -{}", set.deactivate);
    return text;
}

std::string passed_over_text(std::string const& name, SteeredExperts const& experts, std::int64_t top_k) {
    if (experts.passed_over.empty()) return {};
    return fmt::format("{}: {} passed over, since a layer has room for {} activated: {}", name,
                       plural(std::ssize(experts.passed_over), "expert"), top_k, to_string(experts.passed_over));
}

ScoreMap signed_scores(std::string const& provider, AnalysisResult const& result) {
    auto const found = std::ranges::find(result.providers, provider, &ProviderScores::name);
    if (found != result.providers.end()) return found->scores;
    SignalFacts const* const signal = find_signal(provider);
    GATESWEEP_EXPECT(signal != nullptr);
    ScoreMap out{result.num_layers, result.num_experts, {}};
    for (ClassifiedExpert const& expert : result.of(signal->kind).classes)
        out.values.push_back(expert.gap);
    return out;
}

std::vector<std::pair<GridCell, Trial>> steered_cells(TrialKind kind, SweepSpec const& sweep,
                                                      AnalysisResult const& result) {
    RouterShape const shape{result.num_layers, result.num_experts, result.top_k, result.moe_layers};
    std::vector<std::pair<GridCell, Trial>> out;
    for (auto const& signal : sweep.signals) {
        ScoreMap const scores = signed_scores(signal, result);
        for (std::int64_t const activate : axis(sweep.activate)) {
            for (std::int64_t const deactivate : axis(sweep.deactivate)) {
                if (activate + deactivate == 0) continue;
                SteeredSet const set{signal, activate, deactivate, sweep.reverse != (kind == TrialKind::reverse)};
                SteeredExperts experts = steered_experts(
                    scores.view(), set, shape, kind == TrialKind::bottom ? SteeredFrom::bottom : SteeredFrom::top);
                for (EditScope const scope : sweep.scopes) {
                    GridCell cell = cell_of(kind, set, scope);
                    std::string const why = experts.shortage.empty()
                                                ? refusal(cell.mode, experts.edits, shape, sweep.allow_fewer)
                                                : experts.shortage;
                    if (!why.empty()) cell.outcome = "refused: " + why;
                    Trial trial = why.empty() ? trial_of(cell, set, experts) : Trial();
                    out.emplace_back(std::move(cell), std::move(trial));
                }
            }
        }
    }
    return out;
}

}  // namespace gatesweep
