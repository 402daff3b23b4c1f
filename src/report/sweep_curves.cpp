#include "sweep_curves.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "sweep_facts.h"

namespace gatesweep {
namespace {

// A curve before those that coincide are joined.
struct RawCurve {
    std::string signal;
    std::string expert_class;
    std::vector<double> members;  // gap thresholds, or sizes
    std::vector<CurvePoint> points;
};

std::vector<SweepCell> selected_cells(SweepView const& sweep, EditRule const& edit) {
    std::vector<SweepCell> cells;
    for (auto const& cell : sweep.cells) {
        if (cell.kind == "selected" && cell.edit == edit && !cell.trial_id.empty()) cells.push_back(cell);
    }
    if (!sweep.cells.empty()) return cells;
    std::set<std::string> seen;
    for (auto const& result : sweep.results) {
        if (result.kind != "selected" || !(result.edit == edit) || !seen.insert(result.id).second) continue;
        cells.push_back({result.kind, result.signal, result.expert_class, result.gap_threshold, result.num_experts(),
                         result.edit, result.id, "trial"});
    }
    return cells;
}

void sort_points(std::vector<CurvePoint>& points) {
    std::ranges::stable_sort(points, {}, &CurvePoint::x);
    auto const repeated = std::ranges::unique(points, {}, &CurvePoint::x);
    points.erase(repeated.begin(), repeated.end());
}

bool is_part_of(std::vector<CurvePoint> const& part, std::vector<CurvePoint> const& whole) {
    return std::ranges::all_of(part, [&](CurvePoint const& point) {
        return std::ranges::any_of(
            whole, [&](CurvePoint const& other) { return other.x == point.x && other.result == point.result; });
    });
}

// Longer curves first take in those of the same signal and class that lie on them.
std::vector<RawCurve> joined(std::vector<RawCurve> const& curves) {
    std::vector<RawCurve> kept;
    std::vector<std::size_t> order(curves.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    std::ranges::stable_sort(order, [&](auto a, auto b) { return curves[a].points.size() > curves[b].points.size(); });
    for (std::size_t const i : order) {
        RawCurve const& curve = curves[i];
        auto const home = std::ranges::find_if(kept, [&](RawCurve const& other) {
            return other.signal == curve.signal && other.expert_class == curve.expert_class &&
                   is_part_of(curve.points, other.points);
        });
        if (home == kept.end()) {
            kept.push_back(curve);
        } else {
            home->members.insert(home->members.end(), curve.members.begin(), curve.members.end());
        }
    }
    for (auto& curve : kept)
        std::ranges::sort(curve.members);
    std::ranges::stable_sort(kept, [](RawCurve const& a, RawCurve const& b) {
        return std::tie(a.signal, a.expert_class, a.members) < std::tie(b.signal, b.expert_class, b.members);
    });
    return kept;
}

std::string members_text(std::vector<double> const& members) {
    std::vector<std::string> texts;
    for (double const member : members)
        texts.push_back(fmt::format("{:.4g}", member));
    return fmt::format("{}", fmt::join(texts, ", "));
}

std::vector<RawCurve> raw_curves(SweepView const& sweep, std::string const& group, EditRule const& edit,
                                 std::string const* signal) {
    std::map<std::tuple<std::string, std::string, double>, RawCurve> found;
    for (auto const& cell : selected_cells(sweep, edit)) {
        TrialResult const* const result = sweep.find(cell.trial_id, group);
        if (!result || std::isnan(result->rate())) continue;
        bool const has_limit = !std::isnan(cell.gap_threshold);  // classes by ranks have none
        if (signal && (cell.signal != *signal || !has_limit)) continue;
        double const member = signal ? static_cast<double>(cell.size) : has_limit ? cell.gap_threshold : 0.0;
        double const x = signal ? cell.gap_threshold : static_cast<double>(result->num_experts());
        RawCurve& curve = found[{cell.signal, cell.expert_class, member}];
        if (curve.members.empty()) curve = {cell.signal, cell.expert_class, {member}, {}};
        curve.points.push_back({x, result});
    }
    std::vector<RawCurve> curves;
    for (auto& [key, curve] : found) {
        sort_points(curve.points);
        curves.push_back(std::move(curve));
    }
    return joined(curves);
}

}  // namespace

std::vector<Curve> curves_over_size(SweepView const& sweep, std::string const& group, EditRule const& edit) {
    std::vector<Curve> curves;
    for (auto& curve : raw_curves(sweep, group, edit, nullptr)) {
        bool const has_limit = curve.members.front() > 0.0;  // sets by ranks and steered ones have none
        std::string const gap = has_limit ? fmt::format(", gap {}", members_text(curve.members)) : "";
        curves.push_back({fmt::format("{} {}{}", curve.signal, curve.expert_class, gap), std::move(curve.points)});
    }
    return curves;
}

std::vector<Curve> curves_over_threshold(SweepView const& sweep, std::string const& group, std::string const& signal,
                                         EditRule const& edit) {
    std::vector<Curve> curves;
    for (auto& curve : raw_curves(sweep, group, edit, &signal)) {
        curves.push_back(
            {fmt::format("{}, size {}", curve.expert_class, members_text(curve.members)), std::move(curve.points)});
    }
    return has_two_places(curves) ? curves : std::vector<Curve>();
}

std::vector<std::string> sweep_signals(SweepView const& sweep) {
    std::vector<std::string> signals;
    auto const add = [&](std::string const& kind, std::string const& signal) {
        bool const is_new = std::ranges::find(signals, signal) == signals.end();
        if (kind == "selected" && !signal.empty() && is_new) signals.push_back(signal);
    };
    for (auto const& cell : sweep.cells)
        add(cell.kind, cell.signal);
    for (auto const& result : sweep.results)
        add(result.kind, result.signal);
    return signals;
}

bool has_two_places(std::vector<Curve> const& curves) {
    return std::ranges::any_of(curves, [](Curve const& curve) { return curve.points.size() > 1; });
}

EditRule curve_edit(SweepView const& sweep, std::string const& group) {
    TrialResult const* const best = strongest(sweep, group);
    return best ? best->edit : EditRule{};
}

}  // namespace gatesweep
