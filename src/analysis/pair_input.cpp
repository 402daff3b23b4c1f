#include "gatesweep/analysis/pair_input.h"

#include <algorithm>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/store/npy.h"

namespace gatesweep {

std::vector<PairRowsOf> rows_by_name(PairInput const& pairs) {
    std::vector<PairRowsOf> out;
    for (std::size_t p = 0; p < pairs.names.size(); ++p) {
        auto found = std::ranges::find(out, pairs.names[p], &PairRowsOf::name);
        if (found == out.end()) found = out.insert(out.end(), {pairs.names[p], {}});
        found->rows.push_back(static_cast<std::int64_t>(p));
    }
    return out;
}

PairInput read_pair_input(std::filesystem::path const& folder) {
    std::filesystem::path const table_file = folder / "tables" / "pairs.csv",
                                array_file = folder / "arrays" / "pair_counts.npy";
    if (file_kind(table_file) == FileKind::missing) return {};
    CsvTable const table = read_csv(table_file);
    PairInput out;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        out.names.push_back(table.text(row, "name"));
        out.counted.push_back({table.integer(row, "counted_0"), table.integer(row, "counted_1")});
    }
    out.counts = read_npy<std::int64_t>(array_file);
    auto const& shape = out.counts.shape;
    GATESWEEP_VALIDATE(shape.size() == 4 && shape[0] == std::ssize(out.names) && shape[1] == 2, ExitCode::bad_data,
                       "{}: {} pairs, and {} of another shape (they do not belong together): restore the files or run "
                       "again",
                       table.name, table.rows.size(), array_file.string());
    return out;
}

}  // namespace gatesweep
