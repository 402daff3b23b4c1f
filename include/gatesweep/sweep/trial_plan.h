// The sweep as a list: which expert sets are tried, each once, and what every cell of the job's grid came to.
//
// A pure function of the job, the analysis and the model's shape. Trial ids follow from what a trial does to the model
// (mode, scope, experts, doses) and from nothing else, so they are the same wherever and whenever the set comes up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/input/job.h"
#include "gatesweep/store/csv.h"

namespace gatesweep {

enum class TrialKind { baseline, selected, random, reverse, bottom, custom };
std::string_view to_string(TrialKind kind);

struct ExpertEdit {
    ExpertId id;
    // steer: +1 activate, -1 deactivate; bias: what is added to the logit; other modes: 1.
    double value = 1.0;
    auto operator<=>(ExpertEdit const&) const = default;
};

struct Trial {
    // "baseline", or "t" and 12 hexadecimal digits of the content's SHA-256: never a number to a spreadsheet.
    std::string id;
    std::string name;
    TrialKind kind = TrialKind::baseline;
    std::string signal;        // of the first cell; empty for baseline, random by size alone, and custom
    std::string expert_class;  // of the first cell
    std::optional<double> gap_threshold;
    EditMode mode = EditMode::mask;
    EditScope scope = EditScope::both;
    std::optional<double> dose;         // mode bias, where all experts share it
    std::optional<std::uint64_t> seed;  // random: makes the set again
    std::string matched_to;             // random: the id of the selected or custom trial that it was first drawn for
    std::vector<std::string> controls;  // selected, custom: ids of the random trials drawn like it
    std::int64_t num_cells = 0;         // cells that came to this set
    std::vector<ExpertEdit> edits;      // by layer, then expert

    std::vector<ExpertId> experts() const;
    // The lowest layer with an edit; num_layers for none.
    std::int64_t lowest_layer(std::int64_t num_layers) const;
};

// One cell of the job's grid, or one set of the user's own, and what became of it.
struct GridCell {
    TrialKind kind = TrialKind::selected;  // selected | reverse | bottom | custom
    std::string signal, expert_class;      // bottom has no class, custom neither
    std::optional<double> gap_threshold;   // selected, reverse
    std::int64_t size = 0;                 // asked for; the set is smaller where the class has fewer
    EditMode mode = EditMode::mask;
    EditScope scope = EditScope::both;
    std::optional<double> dose;
    std::string trial_id;  // empty when there is no trial
    std::string outcome;   // "trial", "same as <trial id>", "no expert in the class", "refused: <why, with the layer>"
    std::string name;      // custom: the name in the job, kept here when the trial is an earlier cell's
};

struct TrialPlan {
    std::vector<Trial> trials;         // the baseline first, then selected, reverse, bottom, custom, random
    std::vector<GridCell> cells;       // selected, reverse, bottom, each in grid order, then custom
    std::vector<std::string> notices;  // what the user should know, such as controls that do not exist
    std::int64_t num_layers = 0;       // with a router
    MoeLayers moe_layers;              // which those are
    std::int64_t num_experts = 0;

    std::int64_t num_merged_cells() const;  // cells that came to a set an earlier one had
    std::string digest() const;             // of the trials' ids in order
};

// The grid is signals x classes x gap thresholds x sizes x modes (x doses, mode bias) x scopes, the last running
// fastest. A cell's set is the first `size` of its class by descending |gap|, equal ones by layer, then expert; the
// class is that of the cell's gap threshold and the analysis' own minimum. A set is tried once: the first cell that
// came to it owns it. `reverse` takes the opposite class of the same cell (shared has none), `bottom` the smallest
// |gap| of the signal. Without `sizes` a class of n experts has the cells of automatic_sizes(n), `bottom` those of all
// classes of the signal.
//
// `top_k`, shape and scores come from the analysis. Errors: ExitCode::job for a custom set that leaves a layer without
// experts (with fewer than top-k unless sweep.allow_fewer), activates more than top-k of a layer, names an expert
// outside the model or one twice, always naming the trial and the layer; bad_data for a damaged list file, with its
// row. Grid cells that ask for such a set are refused in `cells` instead, since they come out of the data.
TrialPlan plan_trials(SweepSpec const& sweep, AnalysisParameters const& analysis, AnalysisResult const& result);

// The checks of plan_trials on [[sweep.trial]], list files included, for the moment before the model is loaded.
void validate_custom_trials(SweepSpec const& sweep, std::int64_t num_layers, std::int64_t num_experts,
                            std::int64_t top_k, MoeLayers const& moe_layers = {});

// 1, 2, 3, 5, 10, 20, 50, 100, ... below n, and n; one size, 1, for a class without experts, whose cell says so.
std::vector<std::int64_t> automatic_sizes(std::int64_t num_in_class);

}  // namespace gatesweep
