// A run folder's tables, read and checked against one another: all that the headline, the figures and report.html show.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/analysis/classification.h"
#include "gatesweep/analysis/score_maps.h"
#include "gatesweep/report/sweep_view.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/terms/analysis_parameters.h"
#include "gatesweep/terms/moe_layers.h"

namespace gatesweep {

// Scores of one group under one signal (tables/expert_scores.csv).
struct ExpertMap {
    std::string signal;  // a word of signal_kinds, or one that this program does not know
    std::string group;
    std::vector<double> mean;  // [L, E]
};

// Class of every expert under one signal (tables/classes_<signal>.csv).
struct ClassMap {
    SignalKind signal = SignalKind::activation;
    std::vector<double> gap;         // [L, E], malicious - benign
    std::vector<std::string> label;  // [L, E]
};

// What the resolved job (job.toml) says about the tables.
struct JobView {
    std::string title;  // [report] title; empty: none given
    std::string by;     // [report] by; empty: none given
    std::string model;  // path of the checkpoint
    std::string dtype;
    AnalysisParameters analysis;
    std::vector<std::string> sweep_prompts;  // [sweep] prompts; without it the malicious group
    std::vector<std::string> side_effects;   // [sweep] side_effects
    std::string label_method = "phrases";    // [sweep.labels] method
    bool allows_mixed = false;               // [sweep.labels] mixed
    std::string toml;                        // the file as it is
};

struct RunView {
    std::filesystem::path folder;
    JobView job;
    std::vector<std::string> groups;  // benign role, malicious role, then the others in the order of tables/prompts.csv
    std::int64_t num_layers = 0;      // with a router: rows of the maps
    MoeLayers moe_layers;             // which those are
    std::int64_t num_experts = 0;     // per layer
    std::map<std::string, CsvTable> tables;  // by stem: "layers" is tables/layers.csv
    std::vector<ExpertMap> maps;             // groups in the order above, for each signal in the table's order
    std::vector<ClassMap> classes;           // by signal; of an older run perhaps not of all of them
    std::vector<ExpertId> marked;            // in the order of tables/marked_experts.csv; empty when there is none
    std::optional<SweepView> sweep;          // where there is tables/trials.csv

    std::int64_t num_cells() const { return num_layers * num_experts; }
    bool holds(ExpertId id) const {
        return moe_layers.has(id.layer, num_layers) && id.expert >= 0 && id.expert < num_experts;
    }
    // Place of an expert that it holds in [L, E].
    std::size_t cell(ExpertId id) const {
        return static_cast<std::size_t>(moe_layers.row(id.layer) * num_experts + id.expert);
    }
    bool has(std::string_view table) const { return tables.contains(std::string(table)); }
    CsvTable const& table(std::string_view stem) const { return tables.at(std::string(stem)); }
    // Null where the run has no such map.
    ExpertMap const* find_map(std::string_view signal, std::string_view group) const;
    // "k80", "k90", "k95": the columns of tables/coverage.csv that the job's coverage levels make.
    std::vector<std::string> coverage_columns() const;
    std::string title() const;  // the job's title, or the folder's name
};

// Reads job.toml and every table. Errors: input_missing for a file that is not there, bad_data for one whose content is
// wrong: a missing column, a cell that is no number, an expert missing or listed twice, a group that the roles name but
// the tables lack; those of read_sweep. Tables that the catalogue does not promise may be absent.
RunView read_run(std::filesystem::path const& run_folder);

}  // namespace gatesweep
