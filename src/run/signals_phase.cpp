#include "gatesweep/run/signals_phase.h"

#include <fmt/ranges.h>

#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <map>

#include "gatesweep/base/log.h"
#include "gatesweep/base/stop_request.h"
#include "gatesweep/base/words.h"
#include "gatesweep/comm/progress.h"
#include "gatesweep/comm/stop_together.h"
#include "gatesweep/run/wanted_measures.h"
#include "gatesweep/signal/streamed_signals.h"

namespace gatesweep {
namespace {

constexpr char const* record_kind = "signal";

// One prompt's rows of Signals, as the ledger keeps them.
struct PromptSignals {
    std::vector<std::int64_t> activation_counts;  // [L,E]
    std::vector<double> gradient_scores;          // [L,E]
    std::vector<std::int64_t> near_ties;          // [L,2]
    double loss = 0.0;
    std::vector<std::vector<double>> measures;  // [L,E] each, in the order of Signals::measures

    template <class Archive>
    void serialize(Archive& a, unsigned int) {
        a& activation_counts& gradient_scores& near_ties& loss& measures;
    }
};

template <class T>
std::vector<T> copy_of_row(NdArray<T> const& array, std::int64_t prompt) {
    auto const row = array.row(prompt);
    return {row.begin(), row.end()};
}

PromptSignals signals_of(Signals const& signals, std::int64_t prompt) {
    PromptSignals of_prompt = {copy_of_row(signals.activation_counts, prompt),
                               copy_of_row(signals.gradient_scores, prompt),
                               copy_of_row(signals.near_ties, prompt),
                               signals.losses.values[static_cast<std::size_t>(prompt)],
                               {}};
    for (auto const& [kind, values] : signals.measures)
        of_prompt.measures.push_back(copy_of_row(values, prompt));
    return of_prompt;
}

template <class T>
void set_row(NdArray<T>& array, std::int64_t prompt, std::vector<T> const& values) {
    auto const row = array.row(prompt);
    GATESWEEP_VALIDATE(values.size() == row.size(), ExitCode::internal,
                       "prompt {}: the run's log holds signals of another shape (they cannot be used): this is a "
                       "mistake in gatesweep; "
                       "please report it",
                       prompt);
    std::ranges::copy(values, row.begin());
}

void set_signals(Signals& signals, std::int64_t prompt, PromptSignals const& of_prompt) {
    set_row(signals.activation_counts, prompt, of_prompt.activation_counts);
    set_row(signals.gradient_scores, prompt, of_prompt.gradient_scores);
    set_row(signals.near_ties, prompt, of_prompt.near_ties);
    signals.losses.values[static_cast<std::size_t>(prompt)] = of_prompt.loss;
    std::size_t next = 0;
    for (auto& [kind, values] : signals.measures)
        set_row(values, prompt, next < of_prompt.measures.size() ? of_prompt.measures[next++] : std::vector<double>());
}

void say_prompts(Inputs const& inputs, std::size_t num_batches, std::int64_t num_done) {
    std::vector<std::string> order;
    std::map<std::string, std::int64_t> sizes;
    for (auto const& group : inputs.groups) {
        if (sizes[group]++ == 0) order.push_back(group);
    }
    std::string groups;
    for (auto const& group : order)
        groups += fmt::format("{}{} {}", groups.empty() ? "" : ", ", sizes[group], group);
    auto const& first = inputs.token_ids.front();
    std::vector<std::int32_t> const shown(first.begin(),
                                          first.begin() + std::min<std::ptrdiff_t>(std::ssize(first), 8));
    std::string const batches = plural(static_cast<std::int64_t>(num_batches), "batch");
    say("prompts", "{}; {} tokens{} {}; ids of the first: {}{}", groups, inputs.num_tokens(),
        num_done > 0 ? fmt::format(", {} done, the others in", plural(num_done, "prompt")) : " in", batches,
        fmt::join(shown, " "), first.size() > shown.size() ? " ..." : "");
}

using Keep = std::function<void(Signals const&, std::span<std::int64_t const>)>;

// The same from layers that are read one after the other, committed at the end of each chunk.
Signals stream_signals(Setup const& setup, LoadedModel& loaded, BatchPlan const& plan, WantedMeasures const& wanted,
                       std::function<void(std::int64_t, std::int64_t)> const& show, Keep const& keep) {
    auto const& [inputs, config, layout, machine] = setup;
    std::vector<std::int64_t> const tokens = inputs.prompt_tokens();
    std::int64_t const num_chunks = num_stream_chunks(config, plan, tokens, layout.num_copies, layout.ep_size(),
                                                      machine.dtype, loaded.streaming().activation_memory);
    say("stream", "layer by layer, since the weights {}: {}",
        inputs.job.signals.stream == StreamMode::always ? "are to stay on disk" : "do not fit into memory",
        streaming_text(streamed_bytes(config, layout.ep_size(), num_chunks), num_chunks));
    auto const no_rank_stops = [&world = layout.world](StopRequest least) {
        return world.all_reduce_max(stop_request() >= least ? 1 : 0) == 0;
    };
    auto const keep_batch = [&](std::int64_t batch, Signals const& signals) {
        auto const spread = spread_over_ranks(plan.batches[static_cast<std::size_t>(batch)], tokens, layout.ep_size());
        keep(signals, spread[static_cast<std::size_t>(layout.ep_rank())]);
    };
    StreamedSignals streamed =
        compute_streamed_signals(*loaded.streamed(), layout, inputs.token_ids, plan,
                                 {.activation_memory = loaded.streaming().activation_memory,
                                  .measures = wanted,
                                  .progress = show,
                                  .done = keep_batch,
                                  .go_on = [&] { return no_rank_stops(StopRequest::now); },
                                  .go_on_with_next_chunk = [&] { return no_rank_stops(StopRequest::soft); }});
    stop_together(layout.world, !streamed.complete);
    return std::move(streamed.signals);
}

}  // namespace

MeasuredSignals measure_signals(Setup const& setup, LoadedModel& loaded, RunSession& session) {
    auto const& [inputs, config, layout, machine] = setup;
    Ledger& ledger = session.ledger();
    std::vector<std::string> keys;
    std::vector<bool> done;
    for (auto const& ids : inputs.token_ids) {
        keys.push_back(ids_digest(ids));
        done.push_back(ledger.holds(record_kind, keys.back()));
    }
    session.expect(record_kind, std::ssize(keys));
    WantedMeasures const wanted = wanted_measures(setup);
    BatchPlan const plan = plan_measured_batches(setup, wanted, done);
    say_prompts(inputs, plan.batches.size(), std::count(done.begin(), done.end(), true));

    Progress progress(RunPhase::signals, "tokens", layout.world, counts_as(layout));
    auto const show = [&](std::int64_t part, std::int64_t all) { progress.update(part, all); };
    auto const keep = [&](Signals const& signals, std::span<std::int64_t const> prompts) {
        for (std::int64_t p : prompts)
            ledger.add(record_kind, keys[static_cast<std::size_t>(p)], to_bytes(signals_of(signals, p)));
        ledger.commit();
    };
    Signals signals = loaded.resident() ? compute_signals(*loaded.resident(), layout, inputs.token_ids, plan,
                                                          {.tape_memory = machine.tape_memory,
                                                           .in_halves = machine.overlaps,
                                                           .measures = wanted,
                                                           .progress = show,
                                                           .computed = keep,
                                                           .stop = [] { return stop_request() != StopRequest::none; }})
                                        : stream_signals(setup, loaded, plan, wanted, show, keep);
    progress.finish();
    reduce_to_final_rank(signals, layout);
    std::int64_t num_tokens = 0;
    for (std::size_t p = 0; p < done.size(); ++p) {
        if (!done[p]) num_tokens += std::ssize(inputs.token_ids[p]);
        if (!done[p] || !layout.is_final_rank()) continue;
        PromptSignals recalled;
        from_bytes(ledger.payload(record_kind, keys[p]), recalled);
        set_signals(signals, static_cast<std::int64_t>(p), recalled);
    }
    mark_absent(signals, wanted);
    return {std::move(signals), wanted, {"signals", progress.seconds(), num_tokens}};
}

}  // namespace gatesweep
