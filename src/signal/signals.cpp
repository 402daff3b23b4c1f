#include "gatesweep/signal/signals.h"

#include <algorithm>

#include "collector.h"
#include "gatesweep/base/settings.h"
#include "gatesweep/comm/stop_together.h"

namespace gatesweep {
namespace {

// The same on every rank of the group, since recomputing takes part in its exchanges.
TapePolicy choose_policy(ModelConfig const& config, std::vector<std::vector<std::int64_t>> const& spread,
                         std::vector<std::int64_t> const& prompt_tokens, std::size_t element_size,
                         std::uint64_t memory) {
    std::int64_t most = 0;
    for (auto const& prompts : spread)
        most = std::max(most, tokens_of(prompts, prompt_tokens));
    std::uint64_t const needed =
        LayerTape::num_bytes(config, most, element_size) * static_cast<std::uint64_t>(config.num_layers);
    return needed <= memory ? TapePolicy::keep : TapePolicy::recompute;
}

// The passes of a batch on this rank: its share of the prompts, or two halves of that, of which one may be empty.
std::vector<std::vector<std::int64_t>> parts_of(std::vector<std::int64_t> const& local,
                                                std::vector<std::int64_t> const& prompt_tokens, bool in_halves) {
    if (!in_halves) return {local};
    return spread_over_ranks(local, prompt_tokens, 2);
}

}  // namespace

bool overlap_wanted() {
    return is_on(Setting::overlap);
}

Signals::Signals(std::int64_t num_prompts, ModelConfig const& config, WantedMeasures const& wanted)
    : activation_counts({num_prompts, config.num_sparse_layers(), config.num_experts}),
      gradient_scores({num_prompts, config.num_sparse_layers(), config.num_experts}),
      losses({num_prompts}),
      near_ties({num_prompts, config.num_sparse_layers(), 2}),
      moe_layers(config.sparse_layers()) {
    for (Measure const kind : wanted.kinds)
        measures.emplace(kind, NdArray<double>(gradient_scores.shape));
}

Signals compute_signals(Decoder const& model, ParallelLayout const& layout,
                        std::vector<std::vector<std::int32_t>> const& prompts, BatchPlan const& plan,
                        SignalsOptions const& options) {
    std::vector<std::int64_t> prompt_tokens;
    for (auto const& ids : prompts)
        prompt_tokens.push_back(static_cast<std::int64_t>(ids.size()));
    Signals signals(static_cast<std::int64_t>(prompts.size()), model.config(), options.measures);

    auto const mine = batches_of_copy(plan, layout.copy, layout.num_copies);
    std::int64_t all = 0, done = 0;
    for (auto b : mine)
        all += tokens_of(plan.batches[b], prompt_tokens);
    if (options.progress) options.progress(0, all);
    bool stopped = false;
    for (auto b : mine) {
        stopped = layout.expert_parallel.all_reduce_max(options.stop && options.stop() ? 1 : 0) != 0;
        if (stopped) break;
        auto const spread = spread_over_ranks(plan.batches[b], prompt_tokens, layout.ep_size());
        auto const& local = spread[layout.ep_rank()];
        auto const parts = parts_of(local, prompt_tokens, options.in_halves);
        std::vector<SignalCollector> collectors;
        for (auto const& part : parts)
            collectors.emplace_back(signals, part, options.measures);
        std::vector<ObservedBatch> observed;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            std::vector<std::vector<std::int32_t>> ids;
            for (auto p : parts[i])
                ids.push_back(prompts[p]);
            observed.push_back({pack(ids), &collectors[i], options.measures.openings_of(plan.batches[b])});
        }
        TapePolicy const policy = choose_policy(model.config(), spread, prompt_tokens,
                                                model.weights().embedding.element_size(), options.tape_memory);
        auto const losses = model.forward_backward(observed, policy);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            for (std::size_t p = 0; p < parts[i].size(); ++p)
                signals.losses.values[parts[i][p]] = losses[i][p];
        }
        if (options.computed) options.computed(signals, local);
        done += tokens_of(plan.batches[b], prompt_tokens);
        if (options.progress) options.progress(done, all);
    }
    stop_together(layout.world, stopped);
    return signals;
}

void reduce_to_final_rank(Signals& signals, ParallelLayout const& layout) {
    int const root = layout.final_rank();
    layout.world.reduce_sum(std::span(signals.activation_counts.values), root);
    layout.world.reduce_sum(std::span(signals.gradient_scores.values), root);
    layout.world.reduce_sum(std::span(signals.losses.values), root);
    layout.world.reduce_sum(std::span(signals.near_ties.values), root);
    for (auto& [kind, values] : signals.measures)
        layout.world.reduce_sum(std::span(values.values), root);
}

}  // namespace gatesweep
