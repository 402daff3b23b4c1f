#include "gatesweep/analysis/expert_list.h"

#include <algorithm>
#include <cmath>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/store/csv.h"

namespace gatesweep {
namespace {

constexpr std::uint64_t max_list_bytes = 16 << 20;

// People's editors leave out the last line end, or put a byte order mark before the header.
CsvTable read_list(std::filesystem::path const& file) {
    std::string text = read_file(file, max_list_bytes);
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    if (!text.empty() && text.back() != '\n') text += '\n';
    return parse_csv(text, file.string());
}

void check_header(CsvTable const& table) {
    std::vector<std::string> const known = {"layer", "expert", "weight"};
    for (auto const& name : table.header) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        std::string const close = nearest(name, known);
        fail(ExitCode::bad_data,
             "{}: unknown column \"{}\"{} (a list of experts has layer, expert and weight): correct the header",
             table.name, printable(name), close.empty() ? "" : fmt::format(", did you mean \"{}\"?", close));
    }
    for (std::string const name : {"layer", "expert"}) {
        GATESWEEP_VALIDATE(
            std::find(table.header.begin(), table.header.end(), name) != table.header.end(), ExitCode::bad_data,
            "{}: no column \"{}\" (a list of experts has layer, expert and weight): give it a header line", table.name,
            name);
    }
}

std::optional<double> weight_of(CsvTable const& table, std::size_t row) {
    bool const has_column = std::find(table.header.begin(), table.header.end(), "weight") != table.header.end();
    if (!has_column || table.text(row, "weight").empty()) return std::nullopt;
    double const weight = table.number(row, "weight");
    GATESWEEP_VALIDATE(weight != 0.0 && std::abs(weight) <= 1e6, ExitCode::bad_data,
                       "{}: row {}: weight {} (it is the sign of a steered expert or what is added to a logit): give a "
                       "number other than 0, at most 1e6 either way, or leave the cell empty",
                       table.name, row + 1, table.text(row, "weight"));
    return weight;
}

}  // namespace

std::vector<ListedExpert> read_expert_list(std::filesystem::path const& file) {
    CsvTable const table = read_list(file);
    check_header(table);
    GATESWEEP_VALIDATE(!table.rows.empty(), ExitCode::bad_data,
                       "{}: a list without experts (there is nothing to try): add rows layer,expert", table.name);
    std::vector<ListedExpert> out;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        ExpertId const id{table.integer(row, "layer"), table.integer(row, "expert")};
        GATESWEEP_VALIDATE(id.layer >= 0 && id.expert >= 0, ExitCode::bad_data,
                           "{}: row {}: expert {} (layers and experts are counted from 0): correct it", table.name,
                           row + 1, to_string(id));
        bool const repeated = std::any_of(out.begin(), out.end(), [&](auto const& other) { return other.id == id; });
        GATESWEEP_VALIDATE(!repeated, ExitCode::bad_data,
                           "{}: row {}: expert {} is there already (a set holds an expert once): remove the row",
                           table.name, row + 1, to_string(id));
        out.push_back({id, weight_of(table, row)});
    }
    return out;
}

}  // namespace gatesweep
