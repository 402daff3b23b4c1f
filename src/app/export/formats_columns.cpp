// Tables whose columns have types: what a program that writes Parquet, or a database, wants to be told.
#include "formats.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "gatesweep/base/file.h"
#include "gatesweep/store/column_types.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/store/npy.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Checked cell by cell: what the schema says of a column holds.
Json columns_of(CsvTable const& table) {
    Json columns = Json::array();
    for (std::string const& name : table.header) {
        ColumnType const type = column_type(name);
        bool may_be_null = false;
        for (std::size_t row = 0; row < table.rows.size(); ++row) {
            if (table.text(row, name).empty()) {
                may_be_null = may_be_null || type != ColumnType::text;
            } else if (type == ColumnType::whole) {
                table.integer(row, name);
            } else if (type == ColumnType::number) {
                table.number(row, name);
            }
        }
        columns.push_back({{"name", name}, {"type", to_string(type)}, {"nullable", may_be_null}});
    }
    return columns;
}

Json table_facts(CsvTable const& table, std::string const& file) {
    return {{"file", file}, {"rows", table.rows.size()}, {"columns", columns_of(table)}};
}

CsvTable completions_table(ExportedRun const& run) {
    CsvTable out{"completions",
                 {"trial_id", "group", "prompt_index", "prompt_id", "prompt", "text", "finish_reason", "label",
                  "label_source", "baseline_label", "baseline_text", "token_ids"},
                 {}};
    for_each_trial(run, [&](ExportedTrial const&, std::vector<ExportedReply> const& replies) {
        for (ExportedReply const& reply : replies) {
            StoredCompletion const& c = reply.reply;
            out.add(c.trial_id, c.group, c.prompt_index, c.prompt_id, reply.prompt, c.text, c.finish_reason, c.label,
                    c.label_source, reply.baseline->label, reply.baseline->text,
                    fmt::format("{}", fmt::join(c.token_ids, " ")));
        }
    });
    return out;
}

Json completions_facts(CsvTable const& table) {
    Json columns = Json::array();
    for (std::string const& name : table.header) {
        std::string_view const type = name == "prompt_index" ? "int64" : name == "token_ids" ? "list<int32>" : "string";
        columns.push_back({{"name", name}, {"type", type}, {"nullable", false}});
    }
    return {{"file", "completions.csv"}, {"rows", table.rows.size()}, {"columns", std::move(columns)}};
}

// What the dimensions of an array count, by its rank and name.
std::vector<std::string> axes_of(std::string const& stem, std::size_t rank) {
    if (rank == 4) return {"pair", "side", "moe_layer", "expert"};
    return {stem.starts_with("screen") ? "screened_prompt" : "prompt", "moe_layer", "expert"};
}

Json copy_arrays(ExportedRun const& run, fs::path const& out) {
    Json facts = Json::object();
    create_folder(out / "arrays");
    for (fs::path const& file : list_folder(run.folder() / "arrays")) {
        if (file.extension() != ".npy") continue;
        std::string const stem = file.stem().string();
        InputFile const input(file);
        std::string start(std::min<std::uint64_t>(input.size(), max_npy_header_bytes), '\0');
        input.read_at(0, std::as_writable_bytes(std::span(start)));
        NpyHeader const header = parse_npy_header(start, input.size(), file.string());
        copy_file_atomically(file, out / "arrays" / file.filename());
        facts[stem] = {{"file", fmt::format("arrays/{}.npy", stem)},
                       {"type", header.descr == "<i8" ? "int64" : "float64"},
                       {"shape", header.shape},
                       {"axes", axes_of(stem, header.shape.size())}};
    }
    return facts;
}

}  // namespace

void export_columns(ExportedRun const& run, fs::path const& out) {
    Json tables = Json::object();
    create_folder(out / "tables");
    for (auto const& [stem, table] : run.view.tables) {
        std::string const file = fmt::format("tables/{}.csv", stem);
        tables[stem] = table_facts(table, file);
        write_file_atomically(out / file, to_csv(table));
    }
    if (run.view.sweep) {
        CsvTable const completions = completions_table(run);
        tables["completions"] = completions_facts(completions);
        write_file_atomically(out / "completions.csv", to_csv(completions));
    }
    Json schema;
    schema["format"] = "gatesweep columns 1";
    schema["gatesweep"] = run.manifest.version;
    schema["moe_layers"] = run.manifest.moe_layers;
    schema["tables"] = std::move(tables);
    schema["arrays"] = copy_arrays(run, out);
    write_file_atomically(out / "schema.json", schema.dump(2) + '\n');
}

}  // namespace gatesweep
