// Private to report: restricted rates as curves over the size of a set and over the gap threshold.
#pragma once

#include <string>
#include <vector>

#include "gatesweep/report/sweep_view.h"

namespace gatesweep {

struct CurvePoint {
    double x = 0.0;  // number of experts, or gap threshold
    TrialResult const* result = nullptr;
};

struct Curve {
    std::string title;
    std::vector<CurvePoint> points;  // by x
};

// Both over the selected cells of the grid under one rule of editing, since merged cells belong to several curves.
// Without tables/trial_cells.csv: over the selected trials.
//
// One curve per signal, class and gap threshold. A higher threshold leaves a class fewer experts and so repeats the
// beginning of a lower one's curve; such curves are drawn once, their thresholds named together.
std::vector<Curve> curves_over_size(SweepView const& sweep, std::string const& group, EditRule const& edit);

// One curve per class and size asked for, of one signal; sizes whose sets are the same throughout are drawn once. Empty
// when the signal has a single threshold.
std::vector<Curve> curves_over_threshold(SweepView const& sweep, std::string const& group, std::string const& signal,
                                         EditRule const& edit);

// Signals of the selected cells, in the table's order.
std::vector<std::string> sweep_signals(SweepView const& sweep);
// Whether some curve has two different x.
bool has_two_places(std::vector<Curve> const& curves);
// The rule that the curves of a group hold: that of its strongest set.
EditRule curve_edit(SweepView const& sweep, std::string const& group);

}  // namespace gatesweep
