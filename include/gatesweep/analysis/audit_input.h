// The audit as a run stores it: arrays/audit_pairs.npy and tables/audit_pairs.csv, row by row the same pairs, and
// arrays/routing_shares.npy, row by row the prompts; and the table that follows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "gatesweep/analysis/routing_divergence.h"
#include "gatesweep/base/nd_array.h"
#include "gatesweep/terms/audit_parameters.h"

namespace gatesweep {

struct AuditInput {
    AuditParameters parameters;
    std::vector<AuditCondition> conditions;  // [pairs] which each belongs to; those of one lie together
    NdArray<double> divergence;              // [pairs, 2, L]: JS, overlap
    NdArray<double> shares;                  // [P, L, E] routing vectors; NaN in rows of prompts of other groups

    bool is_empty() const { return conditions.empty(); }
};

// Appends the pairs of a condition.
void add_pairs(AuditInput& audit, AuditCondition condition, std::span<PairDivergence const> pairs);
std::vector<PairDivergence> pairs_of(AuditInput const& audit, AuditCondition condition);

// audit: conditions in the order of their pairs, each by layer, then all layers together.
CsvTable audit_table(AuditInput const& audit, MoeLayers const& moe_layers, std::int64_t resamples);

// Empty where the folder of a run holds no audit; without its parameters. Errors: bad_data for files that do not belong
// together.
AuditInput read_audit_input(std::filesystem::path const& folder);

}  // namespace gatesweep
