#include "plan_time.h"

#include <algorithm>
#include <cmath>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/model/model_size.h"

namespace gatesweep {
namespace {

// Multiply-adds of a token.
struct TokenWork {
    double attention, experts, head;  // of a layer, of a layer, of the vocabulary

    // A rank works on its share of the tokens, and of the experts' rows on those of the experts that it holds.
    TokenWork(TokenProducts const& products, double share_of_experts)
        : attention(static_cast<double>(products.attention)),
          experts(static_cast<double>(products.experts) * share_of_experts),
          head(static_cast<double>(products.head)) {}
    double layer() const { return attention + experts; }
};

// Exchanges of token rows among the ranks of a copy.
struct Exchange {
    double latency, seconds_per_token;  // of one exchange, of one token in one exchange

    Exchange(Cluster const& cluster, ModelConfig const& c, int degree, std::size_t element_size)
        : latency(degree > 1 ? cluster.exchange_latency : 0.0) {
        double const remote =
            static_cast<double>(c.top_k * c.hidden_size) * (1.0 - 1.0 / degree) * static_cast<double>(element_size);
        seconds_per_token =
            remote / (degree <= cluster.ranks_per_node ? cluster.node_bandwidth : cluster.network_bandwidth);
    }
    // `count` exchanges, each of `tokens` of this rank.
    double seconds(double count, double tokens) const { return count * (latency + tokens * seconds_per_token); }
};

std::int64_t divide_up(std::int64_t n, std::int64_t by) {
    return (n + by - 1) / by;
}

// As a run chooses: a quarter of what the weights leave free.
std::int64_t slots_that_fit(Cluster const& cluster, RankMemory const& memory, std::int64_t wanted) {
    if (wanted > 0) return wanted;
    double const left = std::max(0.0, cluster.memory - static_cast<double>(memory.weights));
    constexpr double most = 256.0;
    return static_cast<std::int64_t>(
        std::clamp(left / 4.0 / static_cast<double>(std::max<std::uint64_t>(1, memory.cache_slot)), 1.0, most));
}

}  // namespace

SignalWork busiest_copy(BatchPlan const& plan, std::span<std::int64_t const> prompt_tokens, int num_copies) {
    SignalWork most;
    for (int copy = 0; copy < num_copies; ++copy) {
        SignalWork work;
        for (auto batch : batches_of_copy(plan, copy, num_copies)) {
            ++work.batches;
            for (auto p : plan.batches[static_cast<std::size_t>(batch)])
                work.tokens += prompt_tokens[static_cast<std::size_t>(p)];
        }
        if (work.tokens > most.tokens) most = work;
    }
    return most;
}

TimePlan plan_time(Cluster const& cluster, ModelConfig const& c, int expert_parallel, RankMemory const& memory,
                   std::size_t element_size, SignalWork const& signals, SweepWork const& sweep, std::int64_t new_tokens,
                   std::int64_t slots) {
    Exchange const exchange(cluster, c, expert_parallel, element_size);
    auto const degree = static_cast<double>(expert_parallel), layers = static_cast<double>(c.num_layers);
    auto const weights = static_cast<double>(memory.weights), num_experts = static_cast<double>(c.num_experts);
    auto const largest = static_cast<double>(ExpertSplit{c.num_experts, expert_parallel}.largest());
    TokenWork const work(token_products(c), largest * degree / num_experts);
    double const one_expert = static_cast<double>(c.num_sparse_layers() * expert_elements(c)) *
                              static_cast<double>(element_size);  // of every layer
    double const rank_experts = largest * one_expert;
    double const pass = weights / cluster.memory_bandwidth;
    TimePlan plan;
    // What ranks of a node have in common is read from storage once.
    double const node_share = static_cast<double>(std::min<std::int64_t>(cluster.ranks_per_node, expert_parallel));
    double const node_experts = std::min(num_experts, largest * node_share);
    plan.load = (weights + (node_experts - largest) * one_expert) / cluster.storage_bandwidth;

    // Forward, and backward to all layers' inputs but the lowest's; two exchanges a layer each way.
    double const tokens = static_cast<double>(signals.tokens) / degree, passes = static_cast<double>(signals.batches);
    plan.signals.products = 2.0 * tokens * ((2 * layers - 1) * work.layer() + 2 * work.head) / cluster.flops;
    plan.signals.reading = 2 * passes * pass;
    plan.signals.exchange = passes * exchange.seconds(4 * layers - 2, tokens / std::max(1.0, passes));
    if (sweep.num_sequences == 0) return plan;

    auto const ranks = static_cast<double>(cluster.num_ranks());
    auto const forward = [&](std::int64_t all_tokens, double head) {
        PhaseTime phase;
        double const mine = static_cast<double>(all_tokens) / ranks;
        double const num_passes = std::ceil(mine / static_cast<double>(std::max<std::int64_t>(1, memory.sweep_tokens)));
        phase.products = 2.0 * mine * (layers * work.layer() + head) / cluster.flops;
        phase.reading = num_passes * pass;
        phase.exchange = num_passes * exchange.seconds(2 * layers, mine / std::max(1.0, num_passes));
        return phase;
    };
    plan.screen = forward(
        static_cast<std::int64_t>(static_cast<double>(sweep.max_screen_tokens) * share_of_layers_after(c)), 0.0);
    plan.prefill = forward(sweep.prompt_tokens, 0.0);
    plan.texts = forward(sweep.max_text_tokens, work.head);

    std::int64_t const mine = divide_up(sweep.num_sequences, cluster.num_ranks());
    plan.slots = std::min(slots_that_fit(cluster, memory, slots), mine);
    plan.decode_steps = divide_up(mine, plan.slots) * new_tokens;
    auto const live = static_cast<double>(plan.slots), steps = static_cast<double>(plan.decode_steps);
    double const met = 1.0 - std::pow(1.0 - static_cast<double>(c.top_k) / num_experts, live * degree);
    plan.decode.products =
        2.0 * static_cast<double>(mine * new_tokens) * (layers * work.layer() + work.head) / cluster.flops;
    plan.decode.reading = steps *
                          (weights - rank_experts * (1.0 - met) + live * static_cast<double>(memory.cache_slot)) /
                          cluster.memory_bandwidth;
    plan.decode.exchange = steps * exchange.seconds(2 * layers, live);
    return plan;
}

}  // namespace gatesweep
