#include "gatesweep/signal/streamed_signals.h"

#include <algorithm>
#include <utility>

#include "collector.h"

namespace gatesweep {
namespace {

// This rank's part of the batches of a chunk.
struct ChunkWork {
    std::vector<std::int64_t> batches;               // numbers in the plan
    std::vector<std::vector<std::int64_t>> prompts;  // of each batch, on this rank
    std::vector<SignalCollector> collectors;
    std::vector<ObservedBatch> streamed;
};

ChunkWork chunk_work(RoundRange chunk, ParallelLayout const& layout,
                     std::vector<std::vector<std::int32_t>> const& prompts, BatchPlan const& plan,
                     std::span<std::int64_t const> prompt_tokens, WantedMeasures const& wanted, Signals& signals) {
    auto const mine = batches_of_copy(plan, layout.copy, layout.num_copies);
    ChunkWork work;
    for (std::int64_t round = chunk.first; round < std::min(chunk.last, std::ssize(mine)); ++round) {
        work.batches.push_back(mine[round]);
        work.prompts.push_back(
            spread_over_ranks(plan.batches[mine[round]], prompt_tokens, layout.ep_size())[layout.ep_rank()]);
    }
    for (auto const& local : work.prompts)
        work.collectors.emplace_back(signals, local, wanted);
    for (std::size_t i = 0; i < work.prompts.size(); ++i) {
        std::vector<std::vector<std::int32_t>> ids;
        for (auto p : work.prompts[i])
            ids.push_back(prompts[p]);
        work.streamed.push_back({pack(ids), &work.collectors[i], wanted.openings_of(plan.batches[work.batches[i]])});
    }
    return work;
}

// Work of this rank as tokens of its copy.
class Tally {
public:
    Tally(std::int64_t rank_work, std::int64_t copy_tokens) : all_work_(rank_work), all_tokens_(copy_tokens) {}
    void add(std::int64_t work) { work_ += work; }
    std::int64_t all() const { return all_tokens_; }
    std::int64_t done() const {
        if (work_ == all_work_) return all_tokens_;
        return static_cast<std::int64_t>(static_cast<double>(work_) / static_cast<double>(all_work_) *
                                         static_cast<double>(all_tokens_));
    }

private:
    std::int64_t all_work_, all_tokens_, work_ = 0;
};

Tally make_tally(ParallelLayout const& layout, BatchPlan const& plan, std::span<std::int64_t const> prompt_tokens,
                 std::int64_t work_per_token) {
    std::int64_t of_rank = 0, of_copy = 0;
    for (auto b : batches_of_copy(plan, layout.copy, layout.num_copies)) {
        of_copy += tokens_of(plan.batches[b], prompt_tokens);
        of_rank += tokens_of(spread_over_ranks(plan.batches[b], prompt_tokens, layout.ep_size())[layout.ep_rank()],
                             prompt_tokens);
    }
    return {of_rank * work_per_token, of_copy};
}

}  // namespace

std::vector<RoundRange> stream_chunks(BatchPlan const& plan, std::span<std::int64_t const> prompt_tokens,
                                      int num_copies, int ep_size, std::int64_t max_tokens) {
    std::vector<RoundRange> chunks;
    std::int64_t filled = 0;
    std::int64_t const num_rounds = (std::ssize(plan.batches) + num_copies - 1) / num_copies;
    for (std::int64_t round = 0; round < num_rounds; ++round) {
        std::int64_t most = 0;
        for (std::int64_t b = round * num_copies; b < std::min((round + 1) * num_copies, std::ssize(plan.batches));
             ++b) {
            for (auto const& local : spread_over_ranks(plan.batches[b], prompt_tokens, ep_size))
                most = std::max(most, tokens_of(local, prompt_tokens));
        }
        if (chunks.empty() || filled + most > max_tokens) {
            chunks.push_back({round, round});
            filled = 0;
        }
        chunks.back().last = round + 1;
        filled += most;
    }
    return chunks;
}

StreamedSignals compute_streamed_signals(StreamedDecoder& model, ParallelLayout const& layout,
                                         std::vector<std::vector<std::int32_t>> const& prompts, BatchPlan const& plan,
                                         StreamedSignalsOptions const& options) {
    std::vector<std::int64_t> prompt_tokens;
    for (auto const& ids : prompts)
        prompt_tokens.push_back(std::ssize(ids));
    StreamedSignals result{Signals(std::ssize(prompts), model.config(), options.measures), true};
    Tally tally = make_tally(layout, plan, prompt_tokens, StreamedDecoder::work_per_token(model.config()));
    if (options.progress) options.progress(0, tally.all());
    auto const max_tokens = static_cast<std::int64_t>(options.activation_memory / model.bytes_per_token());

    for (RoundRange const chunk : stream_chunks(plan, prompt_tokens, layout.num_copies, layout.ep_size(), max_tokens)) {
        if (chunk.first > 0 && options.go_on_with_next_chunk && !options.go_on_with_next_chunk())
            return {std::move(result.signals), false};
        ChunkWork const work =
            chunk_work(chunk, layout, prompts, plan, prompt_tokens, options.measures, result.signals);
        StreamHooks hooks;
        hooks.go_on = options.go_on;
        hooks.worked = [&](std::int64_t amount) {
            tally.add(amount);
            if (options.progress) options.progress(tally.done(), tally.all());
        };
        hooks.done = [&](std::size_t i, std::vector<double> const& losses) {
            for (std::size_t p = 0; p < losses.size(); ++p)
                result.signals.losses.values[work.prompts[i][p]] = losses[p];
            if (options.done) options.done(work.batches[i], result.signals);
        };
        if (!model.forward_backward(work.streamed, hooks)) return {std::move(result.signals), false};
    }
    return result;
}

}  // namespace gatesweep
