#include "gatesweep/sweep/stored_plan.h"

#include <algorithm>
#include <array>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

constexpr char const* run_again = "run the job again, which writes it anew from log/";

// A word of a table as the value that it stands for.
template <class List>
auto value_of(CsvTable const& table, std::size_t row, std::string_view column, List const& all) {
    std::string const& word = table.text(row, column);
    auto const found =
        std::find_if(all.begin(), all.end(), [&](auto const& value) { return to_string(value) == word; });
    GATESWEEP_VALIDATE(found != all.end(), ExitCode::bad_data, "{}: row {}: {} is \"{}\" (no such word is known): {}",
                       table.name, row + 1, column, printable(word), run_again);
    return *found;
}

constexpr std::array all_kinds = {TrialKind::baseline, TrialKind::selected, TrialKind::random,
                                  TrialKind::reverse,  TrialKind::bottom,   TrialKind::custom};

std::optional<double> optional_number(CsvTable const& table, std::size_t row, std::string_view column) {
    return table.text(row, column).empty() ? std::nullopt : std::optional(table.number(row, column));
}

Trial read_trial(CsvTable const& table, std::size_t row) {
    Trial trial;
    trial.id = table.text(row, "trial_id");
    trial.name = table.text(row, "name");
    trial.kind = value_of(table, row, "kind", all_kinds);
    trial.signal = table.text(row, "signal");
    trial.expert_class = table.text(row, "class");
    trial.gap_threshold = optional_number(table, row, "gap_threshold");
    trial.dose = optional_number(table, row, "dose");
    if (!table.text(row, "seed").empty()) trial.seed = static_cast<std::uint64_t>(table.integer(row, "seed"));
    trial.matched_to = table.text(row, "matched_to");
    trial.num_cells = table.integer(row, "cells");
    if (trial.kind == TrialKind::baseline) return trial;
    trial.mode = value_of(table, row, "mode", edit_modes).mode;
    trial.scope = value_of(table, row, "scope", edit_scopes);
    return trial;
}

class Reader {
public:
    Reader(std::filesystem::path const& tables, std::int64_t num_layers, std::int64_t num_experts,
           MoeLayers const& moe_layers)
        : tables_(tables) {
        sweep_.plan.num_layers = num_layers;
        sweep_.plan.num_experts = num_experts;
        sweep_.plan.moe_layers = moe_layers;
    }

    StoredSweep read() {
        read_trials();
        read_cells();
        read_experts();
        read_controls();
        return std::move(sweep_);
    }

private:
    CsvTable table(char const* stem) const { return read_csv(tables_ / (std::string(stem) + ".csv")); }

    Trial& trial_of(CsvTable const& table, std::size_t row, std::string_view column) {
        auto const found = places_.find(table.text(row, column));
        GATESWEEP_VALIDATE(found != places_.end(), ExitCode::bad_data, "{}: row {}: trial {} is not in trials.csv: {}",
                           table.name, row + 1, printable(table.text(row, column)), run_again);
        return sweep_.plan.trials[found->second];
    }

    void read_trials() {
        CsvTable const trials = table("trials");
        for (std::size_t row = 0; row < trials.rows.size(); ++row) {
            std::string const& id = trials.text(row, "trial_id");
            auto const [place, is_new] = places_.emplace(id, sweep_.plan.trials.size());
            if (is_new) sweep_.plan.trials.push_back(read_trial(trials, row));
            TextEffect effect;
            if (auto const ratio = optional_number(trials, row, "perplexity_ratio")) effect.perplexity_ratio = *ratio;
            if (auto const kl = optional_number(trials, row, "mean_kl")) effect.mean_kl = *kl;
            std::pair const key(static_cast<std::int64_t>(place->second), trials.text(row, "group"));
            sweep_.texts[key] = effect;
            bool const is_told = std::ranges::find(trials.header, "tokens_affected") != trials.header.end() &&
                                 !trials.text(row, "tokens_affected").empty();
            if (is_told) sweep_.tokens_affected[key] = trials.integer(row, "tokens_affected");
        }
        bool const has_baseline = !sweep_.plan.trials.empty() && sweep_.plan.trials.front().kind == TrialKind::baseline;
        GATESWEEP_VALIDATE(has_baseline, ExitCode::bad_data, "{}: does not begin with the baseline: {}", trials.name,
                           run_again);
    }

    void read_cells() {
        CsvTable const cells = table("trial_cells");
        for (std::size_t row = 0; row < cells.rows.size(); ++row) {
            GridCell cell;
            cell.kind = value_of(cells, row, "kind", all_kinds);
            cell.signal = cells.text(row, "signal");
            cell.expert_class = cells.text(row, "class");
            cell.gap_threshold = optional_number(cells, row, "gap_threshold");
            cell.size = cells.integer(row, "size");
            cell.mode = value_of(cells, row, "mode", edit_modes).mode;
            cell.scope = value_of(cells, row, "scope", edit_scopes);
            cell.dose = optional_number(cells, row, "dose");
            cell.trial_id = cells.text(row, "trial_id");
            cell.outcome = cells.text(row, "outcome");
            cell.name = cells.text(row, "name");
            sweep_.plan.cells.push_back(std::move(cell));
        }
    }

    void read_experts() {
        CsvTable const experts = table("trial_experts");
        for (std::size_t row = 0; row < experts.rows.size(); ++row) {
            ExpertId const id{experts.integer(row, "layer"), experts.integer(row, "expert")};
            bool const exists = sweep_.plan.moe_layers.has(id.layer, sweep_.plan.num_layers) && id.expert >= 0 &&
                                id.expert < sweep_.plan.num_experts;
            GATESWEEP_VALIDATE(
                exists, ExitCode::bad_data, "{}: row {}: expert {} of layer {} is outside {} layers x {} experts: {}",
                experts.name, row + 1, id.expert, id.layer, sweep_.plan.num_layers, sweep_.plan.num_experts, run_again);
            trial_of(experts, row, "trial_id").edits.push_back({id, experts.number(row, "value")});
        }
    }

    void read_controls() {
        CsvTable const controls = table("trial_controls");
        for (std::size_t row = 0; row < controls.rows.size(); ++row) {
            std::string const& id = trial_of(controls, row, "control_id").id;
            trial_of(controls, row, "trial_id").controls.push_back(id);
        }
    }

    std::filesystem::path const& tables_;
    StoredSweep sweep_;
    std::map<std::string, std::size_t> places_;
};

}  // namespace

StoredSweep read_stored_sweep(std::filesystem::path const& tables, std::int64_t num_layers, std::int64_t num_experts,
                              MoeLayers const& moe_layers) {
    return Reader(tables, num_layers, num_experts, moe_layers).read();
}

}  // namespace gatesweep
