#include "grid_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "gatesweep/store/csv.h"
#include "gatesweep/terms/rank_class.h"
#include "trial_content.h"

namespace gatesweep {
namespace {

std::vector<ExpertEdit> edits_of(std::span<ExpertId const> experts, Manner const& manner) {
    double const value = facts_of(manner.mode).value == EditValue::sign ? -1.0 : manner.dose.value_or(1.0);
    std::vector<ExpertEdit> edits;
    for (ExpertId const id : experts)
        edits.push_back({id, value});
    std::sort(edits.begin(), edits.end());
    return edits;
}

// "activation benign-dominant top 3 (gap >= 0.05), bias -2"
std::string name_of(Selection const& selection, Manner const& how) {
    auto const count = std::ssize(selection.experts());
    std::string const size = fmt::format("{} {}", count < selection.size ? "all" : "top", count);
    std::string const suffix = manner(how.mode, how.dose, how.scope);
    if (selection.kind == TrialKind::selected && is_rank_class(selection.expert_class)) {
        std::string const share =
            selection.share ? fmt::format(" ({} % of each layer)", to_cell(*selection.share)) : "";
        return fmt::format("{} {} {}{}{}", selection.signal, selection.expert_class, count, share, suffix);
    }
    if (selection.kind == TrialKind::bottom)
        return fmt::format("{} {} {}{}", selection.signal, count,
                           find_signal(selection.signal) ? "smallest gaps" : "of least importance", suffix);
    std::string const opposite = selection.kind == TrialKind::reverse ? "opposite class, " : "";
    return fmt::format("{}{} {} {} (gap >= {}){}", opposite, selection.signal, selection.expert_class, size,
                       to_cell(*selection.gap_threshold), suffix);
}

}  // namespace

std::vector<Manner> manners_of(SweepSpec const& sweep) {
    std::vector<Manner> out;
    for (EditMode const mode : sweep.modes) {
        std::vector<std::optional<double>> doses = {std::nullopt};
        if (facts_of(mode).value == EditValue::dose) doses.assign(sweep.bias.begin(), sweep.bias.end());
        for (auto const dose : doses) {
            for (EditScope const scope : sweep.scopes)
                out.push_back({mode, dose, scope});
        }
    }
    return out;
}

Trial trial_of(Selection const& selection, Manner const& how) {
    Trial trial;
    trial.name = name_of(selection, how);
    trial.kind = selection.kind;
    trial.signal = selection.signal;
    trial.expert_class = selection.expert_class;
    trial.gap_threshold = selection.gap_threshold;
    trial.mode = how.mode;
    trial.scope = how.scope;
    trial.dose = how.dose;
    trial.edits = edits_of(selection.experts(), how);
    return trial;
}

GridCell cell_of(Selection const& selection, Manner const& how) {
    GridCell cell;
    cell.kind = selection.kind;
    cell.signal = selection.signal;
    cell.expert_class = selection.expert_class;
    cell.gap_threshold = selection.gap_threshold;
    cell.size = selection.size;
    cell.mode = how.mode;
    cell.scope = how.scope;
    cell.dose = how.dose;
    return cell;
}

}  // namespace gatesweep
