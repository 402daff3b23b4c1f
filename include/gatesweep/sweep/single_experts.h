// The screen of single experts, without the model: openings to force, a variant for every expert, and what the margins
// say.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gatesweep/base/nd_array.h"
#include "gatesweep/label/label.h"
#include "gatesweep/ops/router_edits.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/sweep/refusal_margins.h"
#include "gatesweep/terms/moe_layers.h"

namespace gatesweep {

constexpr std::int64_t opener_tokens = 4;  // enough to tell "I cannot" from "I can" in any vocabulary
constexpr std::int64_t most_openers = 8;   // of each kind

// The first tokens of the completions, by how often a refusal or a compliance begins with them (equal ones in the order
// of their ids), the eight most frequent of each. labels: of each completion. Completions of fewer than four tokens
// begin with nothing that tells; an opening of both kinds tells nothing and is left out.
Openers frequent_openers(std::span<Completion const> completions, std::span<Label const> labels);

// Variant 1 + row x E + expert edits that expert alone, of the layer with a router that the row is: suppresses it where
// the mode has a sign. `num_layers`: of the model, those without a router too.
RouterEdits single_expert_edits(std::int64_t num_layers, std::int64_t num_experts, EditMode mode,
                                MoeLayers const& moe_layers = {});

struct Screen {
    CsvTable table;                 // tables/screen.csv: by group, then layer, then expert
    NdArray<double> margin_change;  // [rows, L, E] margin with the expert edited minus margin without edits, nats
};
// `margins` of all variants of single_expert_edits on the prompts `rows`; groups [P].
Screen screen_of(std::span<RefusalMargin const> margins, std::span<std::int64_t const> rows,
                 std::vector<std::string> const& groups, std::int64_t num_rows, std::int64_t num_experts,
                 MoeLayers const& moe_layers = {});

}  // namespace gatesweep
