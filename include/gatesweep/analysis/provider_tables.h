// Tables of the score providers.
#pragma once

#include <cstdint>

#include "gatesweep/analysis/provider_agreement.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/terms/moe_layers.h"

namespace gatesweep {

// Providers in the order of the job, each by layer, then expert; low and high are empty without intervals.
CsvTable providers_table(std::span<ProviderScores const> providers, MoeLayers const& moe_layers);
CsvTable provider_agreement_table(std::span<ProviderScores const> providers, std::int64_t top);
CsvTable provider_screen_table(std::span<ProviderScores const> providers, std::span<GroupScreen const> screens,
                               std::int64_t top);

}  // namespace gatesweep
