#include "gatesweep/analysis/multiplicity.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gatesweep {

std::vector<double> benjamini_hochberg(std::span<double const> p_values) {
    std::vector<double> q_values(p_values.size(), std::numeric_limits<double>::quiet_NaN());
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < p_values.size(); ++i) {
        if (!std::isnan(p_values[i])) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return p_values[a] < p_values[b]; });
    auto const count = static_cast<double>(order.size());
    double smallest = 1.0;
    for (std::size_t rank = order.size(); rank > 0; --rank) {
        std::size_t const i = order[rank - 1];
        smallest = std::min(smallest, p_values[i] * count / static_cast<double>(rank));
        q_values[i] = smallest;
    }
    return q_values;
}

double empirical_p(double effect, std::span<double const> controls) {
    double num_extreme = 0.0, num_controls = 0.0;
    for (double const control : controls) {
        if (std::isnan(control)) continue;
        num_controls += 1.0;
        bool const extreme = effect > 0.0 ? control >= effect : effect < 0.0 ? control <= effect : true;
        if (extreme) num_extreme += 1.0;
    }
    if (std::isnan(effect) || num_controls == 0.0) return std::numeric_limits<double>::quiet_NaN();
    return (1.0 + num_extreme) / (num_controls + 1.0);
}

}  // namespace gatesweep
