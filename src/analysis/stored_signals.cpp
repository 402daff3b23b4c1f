#include "gatesweep/analysis/stored_signals.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/store/manifest.h"
#include "gatesweep/store/npy.h"
#include "gatesweep/store/table_catalogue.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

std::string const metadata_prefix = "meta_";

}  // namespace

CsvTable prompts_table(AnalysisInput const& input) {
    CsvTable table = new_table("prompts");
    PromptMetadata const& metadata = input.metadata;
    for (auto const& column : metadata.columns)
        table.header.push_back(metadata_prefix + column);
    for (std::size_t p = 0; p < input.groups.size(); ++p) {
        table.add(p, input.prompt_ids[p], input.groups[p], input.num_tokens[p], input.losses[p]);
        if (!metadata.columns.empty())
            table.rows.back().insert(table.rows.back().end(), metadata.rows[p].begin(), metadata.rows[p].end());
    }
    return table;
}

std::vector<std::string> PromptMetadata::column(std::string const& name) const {
    auto const found = std::find(columns.begin(), columns.end(), name);
    GATESWEEP_VALIDATE(found != columns.end(), ExitCode::job,
                       "[report] by = \"{}\": the prompt files have no such column beside the prompts (they have {}): "
                       "name one of them",
                       printable(name),
                       columns.empty() ? "none" : printable(fmt::format("{}", fmt::join(columns, ", ")), 300));
    std::vector<std::string> values;
    for (auto const& row : rows)
        values.push_back(row[static_cast<std::size_t>(found - columns.begin())]);
    return values;
}

void write_measured(AnalysisInput const& input, RunDirectory& run) {
    run.write_array("activation_counts", input.activation_counts);
    run.write_array("gradient_scores", input.gradient_scores);
    for (auto const& [kind, values] : input.measures)
        run.write_array(facts_of(kind).word, values);
    if (input.audit.is_empty()) return;
    run.write_array("audit_pairs", input.audit.divergence);
    run.write_array("routing_shares", input.audit.shares);
}

void write_signals(AnalysisInput const& input, RunDirectory& run) {
    write_measured(input, run);
    run.write_table("prompts", prompts_table(input));
}

AnalysisInput read_signals(std::filesystem::path const& folder) {
    AnalysisInput input;
    input.activation_counts = read_npy<std::int64_t>(folder / "arrays" / "activation_counts.npy");
    input.gradient_scores = read_npy<double>(folder / "arrays" / "gradient_scores.npy");
    for (MeasureFacts const& facts : measure_kinds) {
        fs::path const file = folder / "arrays" / fmt::format("{}.npy", facts.word);
        if (file_kind(file) != FileKind::missing) input.measures.emplace(facts.measure, read_npy<double>(file));
    }
    if (file_kind(folder / "manifest.json") == FileKind::file)
        input.moe_layers = MoeLayers(read_manifest(folder).moe_layers);
    input.pairs = read_pair_input(folder);
    input.audit = read_audit_input(folder);
    CsvTable const prompts = read_csv(folder / "tables" / "prompts.csv");
    for (auto const& name : prompts.header) {
        if (name.starts_with(metadata_prefix)) input.metadata.columns.push_back(name.substr(metadata_prefix.size()));
    }
    for (std::size_t p = 0; p < prompts.rows.size(); ++p) {
        GATESWEEP_VALIDATE(
            prompts.integer(p, "prompt_index") == static_cast<std::int64_t>(p), ExitCode::bad_data,
            "{}: row {} is prompt {} (rows and arrays no longer belong together): restore the file or run again",
            prompts.name, p + 1, prompts.text(p, "prompt_index"));
        input.prompt_ids.push_back(prompts.text(p, "prompt_id"));
        input.groups.push_back(prompts.text(p, "group"));
        auto& row = input.metadata.rows.emplace_back();
        for (auto const& column : input.metadata.columns)
            row.push_back(prompts.text(p, metadata_prefix + column));
        input.num_tokens.push_back(prompts.integer(p, "num_tokens"));
        input.losses.push_back(prompts.number(p, "loss"));
    }
    auto const& shape = input.activation_counts.shape;
    GATESWEEP_VALIDATE(
        shape.size() == 3 && shape[0] == static_cast<std::int64_t>(prompts.rows.size()), ExitCode::bad_data,
        "{}: {} prompts, and arrays of shape ({}) (they do not belong together): restore the files or run again",
        prompts.name, prompts.rows.size(), fmt::join(shape, ", "));
    auto const must_fit = [&](std::string_view word, NdArray<double> const& values) {
        GATESWEEP_VALIDATE(
            values.shape == shape, ExitCode::bad_data,
            "{}: shape ({}), and activation counts of shape ({}) (they do not belong together): restore the "
            "files or run again",
            (folder / "arrays" / fmt::format("{}.npy", word)).string(), fmt::join(values.shape, ", "),
            fmt::join(shape, ", "));
    };
    must_fit("gradient_scores", input.gradient_scores);
    for (auto const& [kind, values] : input.measures)
        must_fit(facts_of(kind).word, values);
    if (!input.audit.is_empty()) must_fit("routing_shares", input.audit.shares);
    GATESWEEP_VALIDATE(
        input.pairs.is_empty() || (input.pairs.counts.shape[2] == shape[1] && input.pairs.counts.shape[3] == shape[2]),
        ExitCode::bad_data,
        "{}: its layers and experts are not those of activation_counts.npy (they do not belong together): restore the "
        "files or run again",
        (folder / "arrays" / "pair_counts.npy").string());
    return input;
}

}  // namespace gatesweep
