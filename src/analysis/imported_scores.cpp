#include "gatesweep/analysis/imported_scores.h"

#include <algorithm>
#include <cmath>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/store/csv.h"

namespace gatesweep {
namespace {

constexpr std::uint64_t max_table_bytes = 256 << 20;
constexpr double tolerance = 1e-12;

// People's editors leave out the last line end, or put a byte order mark before the header.
CsvTable read_table(std::filesystem::path const& file) {
    std::string text = read_file(file, max_table_bytes);
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    if (!text.empty() && text.back() != '\n') text += '\n';
    return parse_csv(text, file.string());
}

bool has(CsvTable const& table, std::string_view column) {
    return std::ranges::find(table.header, column) != table.header.end();
}

// A count, which SteerMoE's table writes as a float.
double count_of(CsvTable const& table, std::size_t row, char const* column) {
    double const count = table.number(row, column);
    GATESWEEP_VALIDATE(count >= 0.0 && count == std::floor(count) && std::isfinite(count), ExitCode::bad_data,
                       "{}: row {}: {} is {} (it counts tokens): correct it", table.name, row + 1, column, count);
    return count;
}

double published_score(CsvTable const& table, std::size_t row) {
    double const a1 = count_of(table, row, "a1"), a2 = count_of(table, row, "a2");
    double const n1 = a1 + count_of(table, row, "d1"), n2 = a2 + count_of(table, row, "d2");
    double const score = table.number(row, "risk_diff");
    GATESWEEP_VALIDATE(n1 > 0.0 && n2 > 0.0 && std::abs(score - (a1 / n1 - a2 / n2)) <= tolerance, ExitCode::bad_data,
                       "{}: row {}: risk_diff is {}, and its counts give {} (one of them is damaged): copy the table "
                       "again",
                       table.name, row + 1, score, a1 / n1 - a2 / n2);
    return score;
}

}  // namespace

ScoreMap read_imported_scores(std::filesystem::path const& file, std::int64_t num_layers, std::int64_t num_experts,
                              MoeLayers const& moe_layers) {
    CsvTable const table = read_table(file);
    bool const is_published = has(table, "risk_diff");
    for (char const* const column : {"layer", "expert"}) {
        GATESWEEP_VALIDATE(has(table, column) && (is_published || has(table, "score")), ExitCode::bad_data,
                           "{}: has no column {} (a table of scores has layer, expert and score, or SteerMoE's columns "
                           "with risk_diff): correct the header",
                           table.name, has(table, column) ? "score" : column);
    }
    ScoreMap out{num_layers, num_experts,
                 std::vector<double>(static_cast<std::size_t>(num_layers * num_experts), std::nan(""))};
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        ExpertId const id{table.integer(row, "layer"), table.integer(row, "expert")};
        bool const exists = moe_layers.has(id.layer, num_layers) && id.expert >= 0 && id.expert < num_experts;
        GATESWEEP_VALIDATE(exists, ExitCode::bad_data,
                           "{}: row {}: there is no expert {} in layer {} ({}): is it the model's table?", table.name,
                           row + 1, id.expert, id.layer, moe_layers.words(num_layers, num_experts));
        double& score = out.values[static_cast<std::size_t>(moe_layers.row(id.layer) * num_experts + id.expert)];
        GATESWEEP_VALIDATE(std::isnan(score), ExitCode::bad_data,
                           "{}: row {}: expert {} of layer {} is there already (only one score can be meant): remove a "
                           "row",
                           table.name, row + 1, id.expert, id.layer);
        score = is_published ? published_score(table, row) : table.number(row, "score");
        GATESWEEP_VALIDATE(std::isfinite(score), ExitCode::bad_data, "{}: row {}: the score is {}: give a number",
                           table.name, row + 1, score);
    }
    auto const missing = std::ranges::find_if(out.values, [](double value) { return std::isnan(value); });
    auto const index = missing - out.values.begin();
    GATESWEEP_VALIDATE(missing == out.values.end(), ExitCode::bad_data,
                       "{}: has no score of expert {} of layer {} (every expert needs one): is it the model's table?",
                       table.name, index % num_experts, moe_layers.layer(index / num_experts));
    return out;
}

ImportedMaps read_imports(ScoreParameters const& scores, std::int64_t num_layers, std::int64_t num_experts,
                          MoeLayers const& moe_layers) {
    ImportedMaps out;
    for (ImportedScores const& import : scores.imports)
        out.emplace(import.name, read_imported_scores(import.file, num_layers, num_experts, moe_layers));
    return out;
}

}  // namespace gatesweep
