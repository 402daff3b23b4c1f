#include "gatesweep/sweep/sweep_bound.h"

#include <algorithm>
#include <iterator>

#include "gatesweep/sweep/trial_plan.h"
#include "gatesweep/terms/rank_class.h"

namespace gatesweep {

namespace {

// At most: of every signal, numbers to activate x numbers to deactivate x scopes.
std::int64_t num_steered_cells(SweepSpec const& sweep) {
    if (!sweep.has_steered_sets()) return 0;
    auto const size = [](auto const& axis) { return std::max<std::int64_t>(1, std::ssize(axis)); };
    return std::ssize(sweep.signals) * size(sweep.activate) * size(sweep.deactivate) * std::ssize(sweep.scopes);
}

}  // namespace

SweepBound sweep_bound(SweepSpec const& sweep, std::int64_t num_model_experts) {
    std::int64_t manners = 0;  // mode, dose and scope
    for (EditMode const mode : sweep.modes)
        manners += std::ssize(sweep.scopes) * (facts_of(mode).value == EditValue::dose ? std::ssize(sweep.bias) : 1);
    std::int64_t thresholds = 0;  // of all signals
    for (auto const& signal : sweep.signals) {
        auto const given = sweep.gap_thresholds.find(signal);
        if (find_signal(signal)) thresholds += given == sweep.gap_thresholds.end() ? 1 : std::ssize(given->second);
    }
    auto const has_opposite = [](std::string const& name) {
        return name != "shared" && name != "uncertain" && !is_rank_class(name);
    };
    std::int64_t const num_sizes =
        sweep.sizes ? std::ssize(*sweep.sizes) : std::ssize(automatic_sizes(num_model_experts));
    std::int64_t const num_rank_classes =
        std::ranges::count_if(sweep.classes, [](auto const& name) { return is_rank_class(name); });
    std::int64_t const num_classes = std::ssize(sweep.classes) - num_rank_classes;
    std::int64_t const num_signals = std::ssize(sweep.signals);
    std::int64_t const of_ranks = num_signals * num_rank_classes * (num_sizes + std::ssize(sweep.shares));
    std::int64_t const selected = (thresholds * num_classes * num_sizes + of_ranks) * manners;
    SweepBound out;
    out.num_cells = selected + std::ssize(sweep.trials);
    if (sweep.controls.reverse)
        out.num_cells +=
            thresholds * std::count_if(sweep.classes.begin(), sweep.classes.end(), has_opposite) * num_sizes * manners;
    if (sweep.controls.bottom) {
        // Automatic sizes are those of all classes of a signal, each of which may add the number that it has.
        auto const with_limits =
            std::ranges::count_if(sweep.signals, [](auto const& signal) { return find_signal(signal) != nullptr; });
        out.num_cells += manners * (sweep.sizes ? num_signals * num_sizes
                                                : num_signals * num_sizes - with_limits + num_classes * thresholds);
    }
    std::int64_t const steered = num_steered_cells(sweep);
    auto const by_scores =
        std::ranges::count_if(sweep.trials, [](CustomTrial const& trial) { return trial.from.has_value(); });
    out.num_cells += steered * (1 + (sweep.controls.reverse ? 1 : 0) + (sweep.controls.bottom ? 1 : 0)) +
                     (sweep.controls.bottom ? by_scores : 0);
    out.max_random = (selected + steered + std::ssize(sweep.trials)) * sweep.controls.random;
    return out;
}

}  // namespace gatesweep
