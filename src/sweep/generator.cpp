#include "gatesweep/sweep/generator.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "gatesweep/ops/output_head.h"

namespace gatesweep {
namespace {

std::int64_t longest(std::vector<std::vector<std::int32_t>> const& prompts) {
    std::size_t length = 1;
    for (auto const& prompt : prompts)
        length = std::max(length, prompt.size());
    return static_cast<std::int64_t>(length);
}

// Few enough sizes to record, near enough to each other that filling up costs little.
std::int64_t granularity_of_graphs(std::int64_t num_slots) {
    constexpr std::int64_t most_sizes = 16, least = 8;
    return std::max(least, (num_slots + most_sizes - 1) / most_sizes);
}

// Adds the time of its scope to a counter.
class Stopwatch {
public:
    explicit Stopwatch(double& seconds) : seconds_(seconds), start_(std::chrono::steady_clock::now()) {}
    ~Stopwatch() { seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
    Stopwatch(Stopwatch const&) = delete;
    Stopwatch& operator=(Stopwatch const&) = delete;

private:
    double& seconds_;
    std::chrono::steady_clock::time_point start_;
};

// What the ranks of a group want to do next: true where any of them does. One small exchange a step.
struct GroupWishes {
    bool admit, live, waiting, stop_soft, stop_now;

    GroupWishes(Communicator const& group, bool admits, bool has_live, bool has_waiting, StopRequest stop) {
        constexpr int bits = 12;  // of a group's size, at most
        std::int64_t const counted[] = {admits, has_live, has_waiting, stop >= StopRequest::soft,
                                        stop >= StopRequest::now};
        std::int64_t packed = 0;
        for (int i = 0; i < 5; ++i)
            packed += counted[i] << (bits * i);
        packed = group.all_reduce_sum(packed);
        auto const any = [&](int i) { return (packed >> (bits * i)) % (1 << bits) > 0; };
        admit = any(0), live = any(1), waiting = any(2), stop_soft = any(3), stop_now = any(4);
    }
    bool any_work() const { return live || waiting; }
};

}  // namespace

Generator::Generator(Decoder const& model, ParallelLayout const& layout, RouterEdits const& edits,
                     std::vector<std::vector<std::int32_t>> const& prompts, GeneratorOptions options)
    : model_(model),
      group_(layout.expert_parallel),
      edits_(edits),
      prompts_(prompts),
      options_(std::move(options)),
      recorder_(choose_recorder(model, layout.ep_size())),
      cache_(model.config(), options_.num_slots + (recorder_ ? 1 : 0), longest(prompts) + options_.max_new_tokens,
             model.weights().embedding.options()) {
    for (std::int64_t slot = options_.num_slots - 1; slot >= 0; --slot)
        free_slots_.push_back(slot);
    if (recorder_) graphs_.emplace(model_, edits_, cache_, recorder_, granularity_of_graphs(options_.num_slots));
}

// None while refilling would run a nearly empty prefill: a pass over few tokens costs as much as one over many.
std::int64_t Generator::num_to_admit(std::span<Request const> waiting) const {
    auto const num_free = static_cast<std::int64_t>(free_slots_.size());
    auto const num_waiting = static_cast<std::int64_t>(waiting.size());
    std::int64_t const worth_it = std::min(num_waiting, std::max<std::int64_t>(1, options_.num_slots / 8));
    if (num_waiting == 0 || num_free < worth_it) return 0;
    std::int64_t count = 0, tokens = 0;
    while (count < std::min(num_free, num_waiting)) {
        tokens += static_cast<std::int64_t>(prompts_[waiting[count].prompt].size());
        if (count > 0 && tokens > options_.prefill_tokens) break;
        ++count;
    }
    return count;
}

bool Generator::run(std::span<Request const> requests, std::function<void(Completion)> const& done,
                    std::function<StopRequest()> const& stop) {
    std::span<Request const> waiting = requests;
    while (true) {
        std::int64_t const admitted = num_to_admit(waiting);
        GroupWishes const wishes(group_, admitted > 0, !live_.empty(), !waiting.empty(),
                                 stop ? stop() : StopRequest::none);
        if (!wishes.any_work()) return true;
        if (wishes.stop_now || (wishes.stop_soft && !wishes.live)) return false;
        // Every rank of the group takes part in every pass of any of them.
        if (wishes.admit && !wishes.stop_soft) {
            prefill(waiting.first(static_cast<std::size_t>(admitted)));
            waiting = waiting.subspan(static_cast<std::size_t>(admitted));
        } else {
            decode();
        }
        retire(done);
    }
}

void Generator::prefill(std::span<Request const> admitted) {
    Stopwatch const watch(stats_.prefill_seconds);
    std::vector<Stem> stems;
    std::vector<Branch> branches;
    std::vector<std::int64_t> slots;
    std::size_t const first = live_.size();
    for (std::size_t i = 0; i < admitted.size(); ++i) {
        auto const& ids = prompts_[admitted[i].prompt];
        auto const length = static_cast<std::int64_t>(ids.size());
        if (i == 0 || admitted[i].prompt != admitted[i - 1].prompt) {
            stems.push_back({ids, length});
            stats_.prefill_tokens += length;
        }
        branches.push_back({static_cast<std::int64_t>(stems.size()) - 1, admitted[i].variant});
        slots.push_back(free_slots_.back());
        free_slots_.pop_back();
        live_.push_back({{admitted[i].prompt, admitted[i].variant, {}, FinishReason::length}, slots.back(), length});
        stats_.prompt_tokens += length;
    }
    BranchedHidden const result = model_.forward_branches(stems, branches, edits_, &cache_, slots);
    std::vector<std::int64_t> last_rows;
    for (std::size_t i = 0; i < result.lanes.size(); ++i)
        last_rows.push_back(result.offsets[i + 1] - 1);
    at::Tensor const rows = result.hidden.index_select(0, at::tensor(last_rows, at::kLong).to(result.hidden.device()));
    std::vector<std::int32_t> const tokens = greedy_tokens(rows, model_.weights().lm_head);
    for (std::size_t i = 0; i < result.lanes.size(); ++i) {
        for (std::int64_t branch : result.lanes[i].branches)
            add_token(live_[first + static_cast<std::size_t>(branch)], tokens[i]);
    }
}

void Generator::decode() {
    Stopwatch const watch(stats_.decode_seconds);
    DecodeBatch batch;
    for (Live const& sequence : live_) {
        auto const& generated = sequence.completion.token_ids;
        batch.ids.push_back(generated.back());
        batch.positions.push_back(sequence.prompt_length + static_cast<std::int64_t>(generated.size()) - 1);
        batch.slots.push_back(sequence.slot);
        batch.variants.push_back(sequence.completion.variant);
    }
    std::vector<std::int32_t> const tokens = graphs_ ? graphs_->step(batch) : model_.decode(batch, edits_, cache_);
    for (std::size_t i = 0; i < live_.size(); ++i)
        add_token(live_[i], tokens[i]);
    stats_.decode_tokens += static_cast<std::int64_t>(live_.size());
    ++stats_.decode_steps;
}

void Generator::add_token(Live& sequence, std::int32_t token) const {
    sequence.completion.token_ids.push_back(token);
    auto const& eos = options_.eos_token_ids;
    if (std::find(eos.begin(), eos.end(), token) != eos.end()) sequence.completion.finish = FinishReason::eos;
}

void Generator::retire(std::function<void(Completion)> const& done) {
    std::erase_if(live_, [&](Live& sequence) {
        bool const full = static_cast<std::int64_t>(sequence.completion.token_ids.size()) >= options_.max_new_tokens;
        if (sequence.completion.finish != FinishReason::eos && !full) return false;
        free_slots_.push_back(sequence.slot);
        done(std::move(sequence.completion));
        return true;
    });
}

}  // namespace gatesweep
