#include "gatesweep/analysis/audit_input.h"

#include <algorithm>

#include "gatesweep/analysis/audit_pairs.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/store/npy.h"
#include "gatesweep/store/table_catalogue.h"

namespace gatesweep {

void add_pairs(AuditInput& audit, AuditCondition condition, std::span<PairDivergence const> pairs) {
    GATESWEEP_EXPECT(!pairs.empty());
    audit.divergence.shape = {std::ssize(audit.conditions) + std::ssize(pairs), 2, std::ssize(pairs.front().js)};
    for (PairDivergence const& pair : pairs) {
        audit.conditions.push_back(condition);
        for (auto const& of_layers : {pair.js, pair.overlap})
            audit.divergence.values.insert(audit.divergence.values.end(), of_layers.begin(), of_layers.end());
    }
}

std::vector<PairDivergence> pairs_of(AuditInput const& audit, AuditCondition condition) {
    std::vector<PairDivergence> out;
    for (std::size_t p = 0; p < audit.conditions.size(); ++p) {
        if (audit.conditions[p] != condition) continue;
        auto const row = audit.divergence.row(static_cast<std::int64_t>(p));
        auto const middle = row.begin() + row.size() / 2;
        out.push_back({{row.begin(), middle}, {middle, row.end()}});
    }
    return out;
}

CsvTable audit_table(AuditInput const& audit, MoeLayers const& moe_layers, std::int64_t resamples) {
    CsvTable table = new_table("audit");
    for (std::size_t p = 0; p < audit.conditions.size(); ++p) {
        AuditCondition const condition = audit.conditions[p];
        if (p > 0 && audit.conditions[p - 1] == condition) continue;
        auto const pairs = pairs_of(audit, condition);
        add_summaries(facts_of(condition).word, pairs, resampled_audit_pairs(condition, pairs.size(), resamples),
                      moe_layers, table);
    }
    return table;
}

AuditInput read_audit_input(std::filesystem::path const& folder) {
    std::filesystem::path const table_file = folder / "tables" / "audit_pairs.csv",
                                array_file = folder / "arrays" / "audit_pairs.npy",
                                shares_file = folder / "arrays" / "routing_shares.npy";
    if (file_kind(table_file) == FileKind::missing) return {};
    AuditInput out;
    CsvTable const table = read_csv(table_file);
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        auto const condition = find_audit_condition(table.text(row, "condition"));
        GATESWEEP_VALIDATE(condition, ExitCode::bad_data,
                           "{}: row {}: \"{}\" is no condition of an audit: restore the file or run again", table.name,
                           row + 1, printable(table.text(row, "condition")));
        out.conditions.push_back(*condition);
    }
    out.divergence = read_npy<double>(array_file);
    out.shares = read_npy<double>(shares_file);
    auto const &pairs = out.divergence.shape, &shares = out.shares.shape;
    bool const fits = pairs.size() == 3 && pairs[0] == std::ssize(out.conditions) && pairs[1] == 2 &&
                      shares.size() == 3 && shares[1] == pairs[2];
    GATESWEEP_VALIDATE(fits, ExitCode::bad_data,
                       "{}: {} pairs, and {} or {} of another shape (they do not belong together): restore the files "
                       "or run again",
                       table.name, table.rows.size(), array_file.string(), shares_file.string());
    return out;
}

}  // namespace gatesweep
