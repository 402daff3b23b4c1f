#include "sweep_bound.h"

#include <algorithm>
#include <iterator>

namespace gatesweep {

SweepBound sweep_bound(SweepSpec const& sweep, std::int64_t num_model_experts) {
    std::int64_t manners = 0;  // mode, dose and scope
    for (EditMode const mode : sweep.modes)
        manners += std::ssize(sweep.scopes) * (mode == EditMode::bias ? std::ssize(sweep.bias) : 1);
    std::int64_t thresholds = 0;  // of all signals
    for (auto const& signal : sweep.signals) {
        auto const given = sweep.gap_thresholds.find(signal);
        thresholds += given == sweep.gap_thresholds.end() ? 1 : std::ssize(given->second);
    }
    auto const has_opposite = [](std::string const& name) { return name != "shared" && name != "uncertain"; };
    std::int64_t const num_sizes = std::ssize(sweep.sizes), num_classes = std::ssize(sweep.classes);
    std::int64_t const selected = thresholds * num_classes * num_sizes;
    SweepBound out;
    out.num_cells = selected * manners + std::ssize(sweep.trials);
    if (sweep.controls.reverse)
        out.num_cells +=
            thresholds * std::count_if(sweep.classes.begin(), sweep.classes.end(), has_opposite) * num_sizes * manners;
    if (sweep.controls.bottom) out.num_cells += std::ssize(sweep.signals) * num_sizes * manners;

    // Controls are drawn for every number of experts and manner that occurs; a class smaller than asked for adds
    // numbers.
    std::int64_t const largest = sweep.sizes.empty() ? 0 : *std::max_element(sweep.sizes.begin(), sweep.sizes.end());
    std::int64_t const shapes = std::min({selected, largest, num_model_experts}) * manners + std::ssize(sweep.trials);
    out.max_random = shapes * sweep.controls.random;
    return out;
}

}  // namespace gatesweep
