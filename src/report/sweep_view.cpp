#include "gatesweep/report/sweep_view.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "gatesweep/base/error.h"
#include "gatesweep/report/run_view.h"
#include "trial_results.h"

namespace gatesweep {
namespace {

void check_trial(SweepView const& sweep, CsvTable const& table, std::size_t row, std::string const& id) {
    bool const is_known = sweep.ids.contains(id);
    GATESWEEP_VALIDATE(is_known, ExitCode::bad_data, "{}: row {}: trial {} is not in tables/trials.csv: {}", table.name,
                       row + 1, printable(id), copy_again);
}

void read_cells(RunView const& run, SweepView& sweep) {
    if (!run.has("trial_cells")) return;
    CsvTable const& table = run.table("trial_cells");
    static constexpr std::string_view merged = "same as ";
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        SweepCell cell{table.text(row, "kind"),
                       table.text(row, "signal"),
                       table.text(row, "class"),
                       optional_number(table, row, "gap_threshold"),
                       optional_count(table, row, "size"),
                       edit_of(table, row),
                       table.text(row, "trial_id"),
                       table.text(row, "outcome")};
        if (cell.trial_id.empty() && cell.outcome.starts_with(merged)) {
            cell.trial_id = cell.outcome.substr(merged.size());
        }
        if (!cell.trial_id.empty()) check_trial(sweep, table, row, cell.trial_id);
        sweep.cells.push_back(std::move(cell));
    }
}

void read_controls(RunView const& run, SweepView& sweep) {
    if (!run.has("controls")) return;
    CsvTable const& table = run.table("controls");
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        check_group(run, table, row);
        sweep.controls.push_back(
            {table.text(row, "group"), table.integer(row, "num_experts"), edit_of(table, row),
             table.integer(row, "num_random"), optional_number(table, row, "mean_rate"),
             optional_number(table, row, "lowest_rate"), optional_number(table, row, "highest_rate"),
             optional_number(table, row, "mean_difference"), optional_number(table, row, "lowest_difference"),
             optional_number(table, row, "highest_difference")});
    }
}

void add_to_band(ControlBand& band, TrialResult const& control) {
    if (std::isnan(control.difference)) return;
    ++band.num_random;
    for (auto const& [value, mean, lowest, highest] :
         {std::tuple{control.rate_after(), &band.mean_rate, &band.lowest_rate, &band.highest_rate},
          {control.difference, &band.mean_difference, &band.lowest_difference, &band.highest_difference}}) {
        bool const is_first = band.num_random == 1;
        *mean = is_first ? value : *mean + (value - *mean) / static_cast<double>(band.num_random);
        *lowest = is_first ? value : std::min(*lowest, value);
        *highest = is_first ? value : std::max(*highest, value);
    }
}

void read_own_controls(RunView const& run, SweepView& sweep) {
    if (!run.has("trial_controls")) return;
    CsvTable const& table = run.table("trial_controls");
    std::map<std::string, std::vector<std::string>> controls;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        std::string const& id = table.text(row, "trial_id");
        for (auto const& known : {id, table.text(row, "control_id")})
            check_trial(sweep, table, row, known);
        controls[id].push_back(table.text(row, "control_id"));
    }
    for (auto const& result : sweep.results) {
        auto const own = controls.find(result.id);
        if (own == controls.end()) continue;
        ControlBand band{result.group, result.num_experts(), result.edit};
        for (auto const& id : own->second) {
            if (TrialResult const* const control = sweep.find(id, result.group)) add_to_band(band, *control);
        }
        if (band.num_random > 0) sweep.own_controls[{result.id, result.group}] = band;
    }
}

void read_screens(RunView const& run, SweepView& sweep) {
    if (!run.has("screen")) return;
    CsvTable const& table = run.table("screen");
    auto const cells = static_cast<std::size_t>(run.num_cells());
    std::set<std::tuple<std::string, std::int64_t, std::int64_t>> seen;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        check_group(run, table, row);
        std::string const& group = table.text(row, "group");
        std::int64_t const layer = table.integer(row, "layer");
        std::int64_t const expert = table.integer(row, "expert");
        bool const is_inside = run.holds({layer, expert});
        GATESWEEP_VALIDATE(is_inside && seen.emplace(group, layer, expert).second, ExitCode::bad_data,
                           "{}: row {}: expert {}:{} is outside {} layers x {} experts or stands here a second time: "
                           "{}",
                           table.name, row + 1, layer, expert, run.num_layers, run.num_experts, copy_again);
        auto map = std::ranges::find(sweep.screens, group, &ScreenMap::group);
        if (map == sweep.screens.end()) {
            sweep.screens.push_back(
                {group, std::vector<double>(cells, not_measured), std::vector<double>(cells, not_measured)});
            map = sweep.screens.end() - 1;
        }
        std::size_t const cell = run.cell({layer, expert});
        map->margin[cell] = optional_number(table, row, "margin");
        map->change[cell] = optional_number(table, row, "change");
    }
}

void check_transitions(RunView const& run, SweepView const& sweep) {
    if (!run.has("transitions")) return;
    CsvTable const& table = run.table("transitions");
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        GATESWEEP_VALIDATE(sweep.find(table.text(row, "trial_id"), table.text(row, "group")), ExitCode::bad_data,
                           "{}: row {}: trial {} on group \"{}\" is not in tables/trials.csv: {}", table.name, row + 1,
                           printable(table.text(row, "trial_id")), printable(table.text(row, "group")), copy_again);
        optional_count(table, row, "count");
    }
}

void check_label_quality(RunView const& run) {
    if (!run.has("label_quality")) return;
    CsvTable const& table = run.table("label_quality");
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        table.integer(row, "num");
        for (auto const* column : {"precision", "precision_low", "precision_high", "recall", "recall_low",
                                   "recall_high", "kappa", "kappa_low", "kappa_high"}) {
            optional_number(table, row, column);
        }
    }
}

}  // namespace

bool EditRule::operator==(EditRule const& other) const {
    bool const is_same_dose = dose == other.dose || (std::isnan(dose) && std::isnan(other.dose));
    return mode == other.mode && scope == other.scope && is_same_dose;
}

double TrialResult::rate() const {
    std::int64_t const judged = restricted + non_restricted;
    return judged == 0 ? not_measured : static_cast<double>(restricted) / static_cast<double>(judged);
}

TrialResult const* SweepView::find(std::string const& trial_id, std::string const& group) const {
    auto const found = places.find({trial_id, group});
    return found == places.end() ? nullptr : &results[found->second];
}

TrialResult const& SweepView::baseline(std::string const& group) const {
    return *std::ranges::find_if(
        results, [&](TrialResult const& result) { return result.kind == "baseline" && result.group == group; });
}

double TrialResult::rate_before() const {
    std::int64_t const pairs = r_to_r + r_to_n + n_to_r + n_to_n;
    return pairs == 0 ? not_measured : static_cast<double>(r_to_r + r_to_n) / static_cast<double>(pairs);
}

double TrialResult::rate_after() const {
    std::int64_t const pairs = r_to_r + r_to_n + n_to_r + n_to_n;
    return pairs == 0 ? not_measured : static_cast<double>(r_to_r + n_to_r) / static_cast<double>(pairs);
}

bool SweepView::has_random_sets() const {
    return std::ranges::any_of(results, [](TrialResult const& result) { return result.kind == "random"; });
}

ControlBand const* SweepView::control_of(TrialResult const& result) const {
    if (auto const own = own_controls.find({result.id, result.group}); own != own_controls.end()) return &own->second;
    bool const has_own = result.kind == "selected" || result.kind == "custom";
    if (has_own && !own_controls.empty()) return nullptr;
    auto const found = std::ranges::find_if(controls, [&](ControlBand const& band) {
        return band.group == result.group && band.num_experts == result.num_experts() && band.edit == result.edit;
    });
    return found == controls.end() ? nullptr : &*found;
}

SweepView read_sweep(RunView const& run) {
    SweepView sweep;
    sweep.groups = run.job.sweep_prompts;
    sweep.side_groups = run.job.side_effects;
    read_results(run, sweep);
    read_cells(run, sweep);
    read_own_controls(run, sweep);
    read_controls(run, sweep);
    read_screens(run, sweep);
    check_transitions(run, sweep);
    check_label_quality(run);
    return sweep;
}

}  // namespace gatesweep
