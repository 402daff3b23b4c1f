#include "audit_view.h"

#include <algorithm>
#include <cmath>

#include "gatesweep/analysis/audit_pairs.h"
#include "gatesweep/analysis/routing_divergence.h"
#include "gatesweep/base/error.h"
#include "gatesweep/terms/score_parameters.h"
#include "trial_results.h"

namespace gatesweep {
namespace {

Estimate estimate_at(CsvTable const& table, std::size_t row, std::string const& column) {
    return {table.number(row, column),
            {optional_number(table, row, column + "_low"), optional_number(table, row, column + "_high")}};
}

std::vector<double> js_of(RunView const& run, AuditCondition condition) {
    CsvTable const& table = run.table("audit_pairs");
    std::vector<double> out;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        if (table.text(row, "condition") == facts_of(condition).word) out.push_back(table.number(row, "js"));
    }
    return out;
}

}  // namespace

std::vector<AuditedCondition> read_audit(RunView const& run) {
    std::vector<AuditedCondition> out;
    if (!run.has("audit")) return out;
    CsvTable const& table = run.table("audit");
    auto const bad = [&](std::size_t row, std::string_view what) {
        fail(ExitCode::bad_data, "{}: row {}: {}: run 'gatesweep analyze' on the folder to write it again", table.name,
             row + 1, what);
    };
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        auto const condition = find_audit_condition(table.text(row, "condition"));
        if (!condition) bad(row, "no condition of an audit");
        if (out.empty() || out.back().condition != *condition) {
            out.emplace_back().condition = *condition;
            out.back().js.assign(static_cast<std::size_t>(run.num_layers), std::nan(""));
            out.back().mean_js.value = std::nan("");
        }
        AuditedCondition& audited = out.back();
        audited.num_pairs = table.integer(row, "num_pairs");
        if (table.text(row, "layer") == "all") {
            audited.mean_js = estimate_at(table, row, "js");
            audited.mean_overlap = estimate_at(table, row, "overlap");
            continue;
        }
        std::int64_t const layer = table.integer(row, "layer");
        if (!run.moe_layers.has(layer, run.num_layers)) bad(row, "no layer with a router");
        audited.js[static_cast<std::size_t>(run.moe_layers.row(layer))] = table.number(row, "js");
    }
    for (AuditedCondition const& audited : out) {
        if (std::isnan(audited.mean_js.value)) bad(table.rows.size() - 1, "a condition has no row for all layers");
    }
    return out;
}

std::optional<Estimate> js_ratio(RunView const& run, AuditCondition of, AuditCondition to) {
    if (!run.has("audit_pairs")) return std::nullopt;
    auto const above = js_of(run, of), below = js_of(run, to);
    if (above.empty() || below.empty() || std::ranges::all_of(below, [](double js) { return js == 0.0; }))
        return std::nullopt;
    std::int64_t const resamples = ScoreParameters().bootstrap;
    return ratio_of_means(above, resampled_audit_pairs(of, above.size(), resamples), below,
                          resampled_audit_pairs(to, below.size(), resamples));
}

}  // namespace gatesweep
