// Whether score providers agree with each other, and with the causal screen of single experts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gatesweep/analysis/bootstrap.h"
#include "gatesweep/analysis/provider_scores.h"
#include "gatesweep/analysis/statistics.h"

namespace gatesweep {

// Two providers. Their resamples are of the same prompts; one that has none stands as it is.
struct ProviderAgreement {
    std::string a, b;
    Estimate spearman, kendall;  // of the scores with their signs
    Estimate overlap;            // experts among the first top_n of both
};
// Every pair once, the earlier one first. `top`: of [analysis].
std::vector<ProviderAgreement> provider_agreements(std::span<ProviderScores const> providers, std::int64_t top);

// What editing each expert alone did to the refusal margin, prompt by prompt of one group.
struct GroupScreen {
    std::string group;
    NdArray<double> change;  // [prompts, L, E]
};
// The screen's groups, in the order in which its rows name them: `groups` by row of `change` [rows, L, E].
std::vector<GroupScreen> screens_by_group(NdArray<double> const& change, std::span<std::string const> groups);

struct ProviderOnScreen {
    std::string provider, group;
    Estimate spearman;         // of |score| with |mean change|: does the provider find what matters?
    Estimate signed_spearman;  // of score with mean change: does its sign say which way?
    Estimate share;            // of the top_n largest |mean changes|, those among the provider's first top_n
};
// By provider, then group. Prompts of provider and screen are drawn independently.
std::vector<ProviderOnScreen> providers_on_screen(std::span<ProviderScores const> providers,
                                                  std::span<GroupScreen const> screens, std::int64_t top);

}  // namespace gatesweep
