#include "gatesweep/analysis/provider_tables.h"

#include <cmath>

#include "gatesweep/store/table_catalogue.h"

namespace gatesweep {
namespace {

// A number that does not exist is an empty cell.
std::string cell(double value) {
    return std::isnan(value) ? std::string() : to_cell(value);
}

}  // namespace

CsvTable providers_table(std::span<ProviderScores const> providers, MoeLayers const& moe_layers) {
    CsvTable table = new_table("providers");
    for (ProviderScores const& provider : providers) {
        ScoreMap const& scores = provider.scores;
        for (std::size_t i = 0; i < scores.values.size(); ++i) {
            auto const row = static_cast<std::int64_t>(i) / scores.num_experts;
            table.add(provider.name, moe_layers.layer(row), static_cast<std::int64_t>(i) % scores.num_experts,
                      scores.values[i], provider.has_intervals() ? cell(provider.low[i]) : "",
                      provider.has_intervals() ? cell(provider.high[i]) : "", provider.rank[i], provider.importance[i]);
        }
    }
    return table;
}

CsvTable provider_agreement_table(std::span<ProviderScores const> providers, std::int64_t top) {
    CsvTable table = new_table("provider_agreement");
    for (ProviderAgreement const& row : provider_agreements(providers, top)) {
        table.add(row.a, row.b, cell(row.spearman.value), cell(row.spearman.interval.low),
                  cell(row.spearman.interval.high), cell(row.kendall.value), top, row.overlap.value,
                  cell(row.kendall.interval.low), cell(row.kendall.interval.high), cell(row.overlap.interval.low),
                  cell(row.overlap.interval.high));
    }
    return table;
}

CsvTable provider_screen_table(std::span<ProviderScores const> providers, std::span<GroupScreen const> screens,
                               std::int64_t top) {
    CsvTable table = new_table("provider_screen");
    for (ProviderOnScreen const& row : providers_on_screen(providers, screens, top)) {
        table.add(row.provider, row.group, cell(row.spearman.value), cell(row.spearman.interval.low),
                  cell(row.spearman.interval.high), top, cell(row.share.value), cell(row.share.interval.low),
                  cell(row.share.interval.high), cell(row.signed_spearman.value),
                  cell(row.signed_spearman.interval.low), cell(row.signed_spearman.interval.high));
    }
    return table;
}

}  // namespace gatesweep
