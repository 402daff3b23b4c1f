// The routing signals of a run: exact activation counts and gate-gradient scores of every prompt and layer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "gatesweep/base/nd_array.h"
#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/model/decoder.h"
#include "gatesweep/signal/batch_plan.h"
#include "gatesweep/terms/measure.h"
#include "gatesweep/terms/moe_layers.h"

namespace gatesweep {

// A choice of experts is a near tie when the probability of the last expert chosen is less than this above the first
// one not chosen: what rounding of bfloat16 and of float32 could turn over, on other hardware or in another library.
inline constexpr double near_tie_margins[2] = {0x1p-7, 0x1p-20};

// What to measure beside the signals, in the same passes.
struct WantedMeasures {
    std::vector<Measure> kinds;
    OpeningTokens openings;  // for Measure::margin_gradient
    // Whose margins are wanted: each costs a pass back of its own. Empty: every prompt's. Others stay 0.
    std::vector<bool> margin_of_prompt = {};

    bool has(Measure kind) const { return std::ranges::find(kinds, kind) != kinds.end(); }
    bool wants_margin(std::int64_t prompt) const {
        return has(Measure::margin_gradient) &&
               (margin_of_prompt.empty() || margin_of_prompt[static_cast<std::size_t>(prompt)]);
    }
    // What the pass of a batch needs to know; null where no prompt's margin is wanted.
    OpeningTokens const* openings_of(std::span<std::int64_t const> batch) const {
        return std::ranges::any_of(batch, [&](std::int64_t p) { return wants_margin(p); }) ? &openings : nullptr;
    }
};

// Rows of prompts that this rank has not computed are zero, so that sums over ranks are exact.
struct Signals {
    NdArray<std::int64_t> activation_counts;  // [P,L,E] tokens of the prompt whose top-K holds the expert
    NdArray<double> gradient_scores;          // [P,L,E] mean over D of |d loss_p / d gate_weight[l][e,:]|
    NdArray<double> losses;                   // [P] mean next-token cross-entropy
    NdArray<std::int64_t> near_ties;  // [P,L,2] tokens whose choice of experts was nearly a tie: see near_tie_margins

    Measures measures;     // [P,L,E] each: those that were wanted
    MoeLayers moe_layers;  // what the rows of L are

    Signals() = default;
    Signals(std::int64_t num_prompts, ModelConfig const& config, WantedMeasures const& wanted = {});
};

// What Setting::overlap says.
bool overlap_wanted();

struct SignalsOptions {
    std::uint64_t tape_memory = 0;  // bytes a rank may spend on what the backward pass keeps; the same on every rank
    // Every batch in two halves, of which one computes while the rows of the other travel between the ranks of the
    // group; the same on every rank. Worth its smaller products where the links between ranks are slow.
    bool in_halves = false;
    WantedMeasures measures = {};
    // Called after each batch of this rank's copy with the copy's tokens done and in all.
    std::function<void(std::int64_t done, std::int64_t all)> progress = {};
    // Called after each batch with the prompts of it whose rows this rank has now computed.
    std::function<void(Signals const& signals, std::span<std::int64_t const> prompts)> computed = {};
    // Asked before each batch; one rank's yes ends the work of its group. Empty: never.
    std::function<bool()> stop = {};
};

// Computes this rank's share of the plan. Every rank of the world calls it. Errors: ExitCode::internal when an identity
// fails (counts sum to K x tokens in every layer; gate gradients sum to zero over experts), naming prompt and layer;
// ExitCode::stopped, on every rank, when any was told to stop with batches left.
Signals compute_signals(Decoder const& model, ParallelLayout const& layout,
                        std::vector<std::vector<std::int32_t>> const& prompts, BatchPlan const& plan,
                        SignalsOptions const& options);

// Sums the ranks' shares into the final rank's; other ranks keep their own.
void reduce_to_final_rank(Signals& signals, ParallelLayout const& layout);

}  // namespace gatesweep
