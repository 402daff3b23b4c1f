#include "gatesweep/report/run_view.h"

#include <algorithm>
#include <set>
#include <utility>

#include "gatesweep/base/error.h"
#include "gatesweep/store/table_catalogue.h"
#include "job_view.h"

namespace gatesweep {
namespace {

constexpr char const* copy_again = "run 'gatesweep analyze' on the folder to write it again";

void read_tables(RunView& run) {
    for (TableFacts const& facts : table_catalogue()) {
        std::string const stem(facts.stem);
        auto const path = run.folder / "tables" / (stem + ".csv");
        if (facts.presence == Presence::sometimes && !std::filesystem::exists(path)) continue;
        CsvTable table = read_csv(path);
        table.name = "tables/" + stem + ".csv";
        validate_columns(table, facts);
        run.tables.emplace(stem, std::move(table));
    }
    // Tables that this part of the program knows nothing of are shown all the same.
    for (auto const& entry : std::filesystem::directory_iterator(run.folder / "tables")) {
        std::string const stem = entry.path().stem().string();
        if (entry.path().extension() != ".csv" || run.tables.contains(stem)) continue;
        run.tables.emplace(stem, read_csv(entry.path())).first->second.name = fmt::format("tables/{}.csv", stem);
    }
}

void find_groups(RunView& run) {
    run.groups = {run.job.analysis.benign, run.job.analysis.malicious};
    CsvTable const& prompts = run.table("prompts");
    std::set<std::string> seen;
    for (std::size_t row = 0; row < prompts.rows.size(); ++row) {
        std::string const& group = prompts.text(row, "group");
        if (std::find(run.groups.begin(), run.groups.end(), group) == run.groups.end()) run.groups.push_back(group);
        seen.insert(group);
        prompts.integer(row, "num_tokens");
        prompts.number(row, "loss");
    }
    for (auto const& role : {run.job.analysis.benign, run.job.analysis.malicious}) {
        GATESWEEP_VALIDATE(seen.contains(role), ExitCode::bad_data,
                           "{}: no prompt of group \"{}\", which [analysis] of job.toml names: {}", prompts.name,
                           printable(role), copy_again);
    }
}

// L and E from the activation classes, the table that lists every expert exactly once.
void find_shape(RunView& run) {
    CsvTable const& table = run.table("classes_activation");
    std::set<std::int64_t> layers;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        layers.insert(table.integer(row, "layer"));
        run.num_experts = std::max(run.num_experts, table.integer(row, "expert") + 1);
    }
    run.num_layers = std::ssize(layers);
    if (!layers.empty() && *layers.begin() >= 0) run.moe_layers = MoeLayers({layers.begin(), layers.end()});
    auto const num_rows = static_cast<std::int64_t>(table.rows.size());
    bool const fits =
        num_rows > 0 && run.num_layers <= num_rows && run.num_experts <= num_rows && run.num_cells() == num_rows;
    GATESWEEP_VALIDATE(fits, ExitCode::bad_data, "{}: {} rows for {} layers x {} experts (each expert has one row): {}",
                       table.name, num_rows, run.num_layers, run.num_experts, copy_again);
}

// Row-major place of an expert; `filled` holds every expert to one row.
std::size_t place_once(RunView const& run, CsvTable const& table, std::size_t row, std::vector<bool>& filled) {
    std::int64_t const layer = table.integer(row, "layer");
    std::int64_t const expert = table.integer(row, "expert");
    GATESWEEP_VALIDATE(run.holds({layer, expert}), ExitCode::bad_data,
                       "{}: row {}: expert {}:{} is outside {} layers x {} experts: {}", table.name, row + 1, layer,
                       expert, run.num_layers, run.num_experts, copy_again);
    std::size_t const cell = run.cell({layer, expert});
    GATESWEEP_VALIDATE(!filled[cell], ExitCode::bad_data, "{}: row {}: expert {}:{} stands here a second time: {}",
                       table.name, row + 1, layer, expert, copy_again);
    filled[cell] = true;
    return cell;
}

void read_maps(RunView& run) {
    CsvTable const& table = run.table("expert_scores");
    auto const cells = static_cast<std::size_t>(run.num_cells());
    std::vector<std::string> signals;
    std::map<std::pair<std::string, std::string>, std::pair<ExpertMap, std::vector<bool>>> found;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        std::string const& signal = table.text(row, "signal");
        std::string const& group = table.text(row, "group");
        auto& [map, filled] = found[{signal, group}];
        if (filled.empty()) {
            map = {signal, group, std::vector<double>(cells)};
            filled.assign(cells, false);
            if (std::find(signals.begin(), signals.end(), signal) == signals.end()) signals.push_back(signal);
        }
        map.mean[place_once(run, table, row, filled)] = table.number(row, "mean");
        table.number(row, "std");
    }
    for (auto const& [key, entry] : found) {
        auto const missing = std::find(entry.second.begin(), entry.second.end(), false) - entry.second.begin();
        GATESWEEP_VALIDATE(static_cast<std::size_t>(missing) == cells, ExitCode::bad_data,
                           "{}: no row for {} of group \"{}\", expert {}:{}: {}", table.name, printable(key.first),
                           printable(key.second), run.moe_layers.layer(missing / run.num_experts),
                           missing % run.num_experts, copy_again);
        bool const is_known = std::find(run.groups.begin(), run.groups.end(), key.second) != run.groups.end();
        GATESWEEP_VALIDATE(is_known, ExitCode::bad_data, "{}: group \"{}\" has no prompts in tables/prompts.csv: {}",
                           table.name, printable(key.second), copy_again);
    }
    for (auto const& signal : signals) {
        for (auto const& group : run.groups) {
            auto const entry = found.find({signal, group});
            if (entry != found.end()) run.maps.push_back(std::move(entry->second.first));
        }
    }
    for (ClassMap const& classes : run.classes) {
        std::string_view const signal = to_string(classes.signal);
        for (auto const& role : {run.job.analysis.benign, run.job.analysis.malicious}) {
            GATESWEEP_VALIDATE(run.find_map(signal, role), ExitCode::bad_data, "{}: no rows for {} of group \"{}\": {}",
                               table.name, signal, printable(role), copy_again);
        }
    }
}

ClassMap read_classes(RunView const& run, CsvTable const& table, SignalKind signal) {
    auto const cells = static_cast<std::size_t>(run.num_cells());
    GATESWEEP_VALIDATE(table.rows.size() == cells, ExitCode::bad_data, "{}: {} rows for {} layers x {} experts: {}",
                       table.name, table.rows.size(), run.num_layers, run.num_experts, copy_again);
    ClassMap classes{signal, std::vector<double>(cells), std::vector<std::string>(cells)};
    std::vector<bool> filled(cells, false);
    for (std::size_t row = 0; row < cells; ++row) {
        std::size_t const cell = place_once(run, table, row, filled);
        classes.gap[cell] = table.number(row, "safety_gap");
        classes.label[cell] = table.text(row, "label");
    }
    return classes;
}

void read_marked(RunView& run) {
    if (!run.has("marked_experts")) return;
    CsvTable const& table = run.table("marked_experts");
    std::map<std::string, std::vector<bool>> filled;  // by signal: each lists every marked expert once
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        auto& seen = filled[table.text(row, "signal")];
        seen.resize(static_cast<std::size_t>(run.num_cells()));
        place_once(run, table, row, seen);
        ExpertId const cell{table.integer(row, "layer"), table.integer(row, "expert")};
        bool const is_new = std::none_of(run.marked.begin(), run.marked.end(), [&](ExpertId const& other) {
            return other.layer == cell.layer && other.expert == cell.expert;
        });
        if (is_new) run.marked.push_back(cell);
    }
}

}  // namespace

ExpertMap const* RunView::find_map(std::string_view signal, std::string_view group) const {
    auto const found = std::find_if(maps.begin(), maps.end(),
                                    [&](ExpertMap const& map) { return map.signal == signal && map.group == group; });
    return found == maps.end() ? nullptr : &*found;
}

std::vector<std::string> RunView::coverage_columns() const {
    std::vector<std::string> columns;
    std::ranges::copy_if(table("coverage").header, std::back_inserter(columns), [](std::string const& name) {
        return name.size() > 1 && name[0] == 'k' && name[1] >= '0' && name[1] <= '9';
    });
    return columns;
}

std::string RunView::title() const {
    if (!job.title.empty()) return job.title;
    auto const absolute = std::filesystem::absolute(folder).lexically_normal();
    return (absolute.has_filename() ? absolute.filename() : absolute.parent_path().filename()).string();
}

RunView read_run(std::filesystem::path const& run_folder) {
    RunView run;
    run.folder = run_folder;
    run.job = read_job_view(run_folder / "job.toml");
    read_tables(run);
    find_groups(run);
    find_shape(run);
    for (SignalFacts const& signal : signal_kinds) {
        std::string const stem = fmt::format("classes_{}", signal.word);
        if (run.has(stem)) run.classes.push_back(read_classes(run, run.table(stem), signal.kind));
    }
    read_maps(run);
    read_marked(run);
    if (run.has("trials")) run.sweep = read_sweep(run);
    return run;
}

}  // namespace gatesweep
