#include "gatesweep/signal/span_routing.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "gatesweep/base/error.h"
#include "gatesweep/comm/stop_together.h"
#include "gatesweep/signal/streamed_signals.h"

namespace gatesweep {
namespace {

using Spans = std::vector<CountedSpan>;

std::vector<std::int64_t> lengths_of(Spans const& texts) {
    std::vector<std::int64_t> lengths;
    for (CountedSpan const& text : texts)
        lengths.push_back(std::ssize(text.token_ids));
    return lengths;
}

// Takes the experts of the counted tokens out of a pass.
class SpanCollector final : public RoutingObserver {
public:
    SpanCollector(ModelConfig const& config, Spans const& spans, std::vector<std::int64_t> texts,
                  std::vector<SpanRouting>& routing, bool with_shares)
        : top_k_(config.top_k),
          num_experts_(config.num_experts),
          spans_(spans),
          texts_(std::move(texts)),
          routing_(routing),
          with_shares_(with_shares) {
        GATESWEEP_EXPECT(config.num_experts <= std::numeric_limits<std::uint16_t>::max());
        std::int64_t const num_layers = config.num_sparse_layers();
        for (std::int64_t const t : texts_) {
            result(t).experts.resize(static_cast<std::size_t>(num_layers * span(t).num_counted() * top_k_));
            if (with_shares) result(t).shares.assign(static_cast<std::size_t>(num_layers * num_experts_), 0.0);
        }
    }

    PackedBatch batch() const {
        std::vector<std::vector<std::int32_t>> ids;
        for (std::int64_t const t : texts_)
            ids.push_back(span(t).token_ids);
        return pack(ids);
    }
    std::vector<std::int64_t> const& texts() const { return texts_; }
    void keep_losses(std::vector<double> const& losses) {
        for (std::size_t i = 0; i < texts_.size(); ++i)
            result(texts_[i]).loss = losses[i];
    }

    void on_routing(std::int64_t row, PackedBatch const& batch, Routing const& routing) override {
        auto const* const expert_id = routing.expert_ids.const_data_ptr<std::int64_t>();
        for (std::size_t i = 0; i < texts_.size(); ++i) {
            CountedSpan const& counted = span(texts_[i]);
            auto const* const from = expert_id + (batch.offsets[i] + counted.first) * top_k_;
            std::int64_t const num = counted.num_counted() * top_k_;
            auto* const to = result(texts_[i]).experts.data() + row * num;
            std::transform(from, from + num, to, [](std::int64_t id) { return static_cast<std::uint16_t>(id); });
        }
        if (with_shares_) add_shares(row, batch, routing);
    }
    void on_router_gradient(std::int64_t, PackedBatch const&, Routing const&, at::Tensor const&,
                            at::Tensor const&) override {}

private:
    // In token order, in float64: the order of the text alone. Of a token's weights the first is never 0.
    void add_shares(std::int64_t row, PackedBatch const& batch, Routing const& routing) {
        at::Tensor const weights = routing.routing_weights.to(at::kCPU, at::kDouble).contiguous();
        auto const* const weight = weights.const_data_ptr<double>();
        auto const* const expert_id = routing.expert_ids.const_data_ptr<std::int64_t>();
        for (std::size_t i = 0; i < texts_.size(); ++i) {
            CountedSpan const& counted = span(texts_[i]);
            auto const shares =
                std::span(result(texts_[i]).shares)
                    .subspan(static_cast<std::size_t>(row * num_experts_), static_cast<std::size_t>(num_experts_));
            for (std::int64_t t = counted.first; t < counted.last; ++t) {
                std::int64_t const at = (batch.offsets[i] + t) * top_k_;
                double const sum = std::accumulate(weight + at, weight + at + top_k_, 0.0);
                for (std::int64_t slot = at; slot < at + top_k_; ++slot)
                    shares[static_cast<std::size_t>(expert_id[slot])] += weight[slot] / sum;
            }
            for (double& share : shares)
                share /= static_cast<double>(counted.num_counted());
        }
    }

    CountedSpan const& span(std::int64_t text) const { return spans_[static_cast<std::size_t>(text)]; }
    SpanRouting& result(std::int64_t text) { return routing_[static_cast<std::size_t>(text)]; }

    std::int64_t top_k_, num_experts_;
    Spans const& spans_;
    std::vector<std::int64_t> texts_;
    std::vector<SpanRouting>& routing_;
    bool with_shares_;
};

std::int64_t tokens_of_copy(BatchPlan const& plan, std::vector<std::int64_t> const& batches,
                            std::span<std::int64_t const> lengths) {
    std::int64_t sum = 0;
    for (std::int64_t const b : batches)
        sum += tokens_of(plan.batches[static_cast<std::size_t>(b)], lengths);
    return sum;
}

// This rank's part of a batch.
std::vector<std::int64_t> local_texts(BatchPlan const& plan, std::int64_t batch, std::span<std::int64_t const> lengths,
                                      ParallelLayout const& layout) {
    auto spread = spread_over_ranks(plan.batches[static_cast<std::size_t>(batch)], lengths, layout.ep_size());
    return std::move(spread[static_cast<std::size_t>(layout.ep_rank())]);
}

void tell(SpanRoutingOptions const& options, std::int64_t done, std::int64_t all) {
    if (options.progress) options.progress(done, all);
}

}  // namespace

std::vector<SpanRouting> compute_span_routing(Decoder const& model, ParallelLayout const& layout,
                                              std::vector<CountedSpan> const& texts, BatchPlan const& plan,
                                              SpanRoutingOptions const& options) {
    std::vector<SpanRouting> routing(texts.size());
    std::vector<std::int64_t> const lengths = lengths_of(texts);
    auto const mine = batches_of_copy(plan, layout.copy, layout.num_copies);
    std::int64_t const all = tokens_of_copy(plan, mine, lengths);
    std::int64_t done = 0;
    tell(options, done, all);
    bool stopped = false;
    for (std::int64_t const b : mine) {
        stopped = layout.expert_parallel.all_reduce_max(options.stop && options.stop() ? 1 : 0) != 0;
        if (stopped) break;
        SpanCollector collector(model.config(), texts, local_texts(plan, b, lengths, layout), routing,
                                options.with_shares);
        collector.keep_losses(model.forward(collector.batch(), collector));
        if (options.computed) options.computed(routing, collector.texts());
        done += tokens_of(plan.batches[static_cast<std::size_t>(b)], lengths);
        tell(options, done, all);
    }
    stop_together(layout.world, stopped);
    return routing;
}

std::vector<SpanRouting> compute_span_routing(StreamedDecoder& model, ParallelLayout const& layout,
                                              std::vector<CountedSpan> const& texts, BatchPlan const& plan,
                                              SpanRoutingOptions const& options) {
    std::vector<SpanRouting> routing(texts.size());
    std::vector<std::int64_t> const lengths = lengths_of(texts);
    auto const mine = batches_of_copy(plan, layout.copy, layout.num_copies);
    std::int64_t const all = tokens_of_copy(plan, mine, lengths);
    std::int64_t done = 0;
    tell(options, done, all);
    auto const max_tokens = static_cast<std::int64_t>(options.activation_memory / model.bytes_per_token());
    for (RoundRange const chunk : stream_chunks(plan, lengths, layout.num_copies, layout.ep_size(), max_tokens)) {
        if (chunk.first > 0 && options.go_on_with_next_chunk && !options.go_on_with_next_chunk()) {
            stop_together(layout.world, true);
        }
        std::vector<std::int64_t> batches;
        std::vector<SpanCollector> collectors;
        std::vector<ObservedBatch> observed;
        for (std::int64_t round = chunk.first; round < std::min(chunk.last, std::ssize(mine)); ++round) {
            batches.push_back(mine[static_cast<std::size_t>(round)]);
            collectors.emplace_back(model.config(), texts, local_texts(plan, batches.back(), lengths, layout), routing,
                                    options.with_shares);
        }
        for (SpanCollector& collector : collectors)
            observed.push_back({collector.batch(), &collector});
        StreamHooks hooks;
        hooks.go_on = options.go_on;
        hooks.done = [&](std::size_t i, std::vector<double> const& losses) {
            collectors[i].keep_losses(losses);
            if (options.computed) options.computed(routing, collectors[i].texts());
            done += tokens_of(plan.batches[static_cast<std::size_t>(batches[i])], lengths);
            tell(options, done, all);
        };
        stop_together(layout.world, !model.forward(observed, hooks));
    }
    return routing;
}

}  // namespace gatesweep
