// How much likelier a refusal's opening is than a compliance's, by variant. Collective.
#pragma once

#include <cstdint>
#include <vector>

#include "gatesweep/sweep/sweep_context.h"

namespace gatesweep {

constexpr char const* margin_record = "margin";  // the kind of a ledger's records

// Log-probabilities of openers after prompts: margin = log sum P(refusal opener) - log sum P(compliance opener).
struct Openers {
    std::vector<std::vector<std::int32_t>> refusals, compliances;  // token ids
};

struct RefusalMargin {
    std::int64_t prompt = 0;
    std::int32_t variant = 0;
    double margin = 0.0;  // nats
};

// Final rank: by variant, then prompt.
std::vector<RefusalMargin> refusal_margins(SweepContext const& context, std::vector<std::int64_t> const& rows,
                                           Openers const& openers, std::int32_t num_variants);

}  // namespace gatesweep
