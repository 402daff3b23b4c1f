#include "signals_phase.h"

#include <fmt/ranges.h>

#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <map>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/stop_request.h"
#include "progress.h"

namespace gatesweep {
namespace {

constexpr char const* record_kind = "signal";

// One prompt's rows of Signals, as the ledger keeps them.
struct PromptSignals {
    std::vector<std::int64_t> activation_counts;  // [L,E]
    std::vector<double> gradient_scores;          // [L,E]
    double loss = 0.0;

    template <class Archive>
    void serialize(Archive& a, unsigned int) {
        a& activation_counts& gradient_scores& loss;
    }
};

std::size_t row_size(Signals const& signals) {
    return static_cast<std::size_t>(signals.activation_counts.shape[1] * signals.activation_counts.shape[2]);
}

PromptSignals row_of(Signals const& signals, std::int64_t prompt) {
    auto const n = static_cast<std::ptrdiff_t>(row_size(signals)), at = static_cast<std::ptrdiff_t>(prompt) * n;
    auto const counts = signals.activation_counts.values.begin() + at;
    auto const scores = signals.gradient_scores.values.begin() + at;
    return {{counts, counts + n}, {scores, scores + n}, signals.losses.values[static_cast<std::size_t>(prompt)]};
}

void set_row(Signals& signals, std::int64_t prompt, PromptSignals const& row) {
    std::size_t const n = row_size(signals);
    GATESWEEP_VALIDATE(row.activation_counts.size() == n && row.gradient_scores.size() == n, ExitCode::internal,
                       "prompt {}: the run's log holds signals of another shape (they cannot be used): this is a mistake in gatesweep; "
                       "please report it",
                       prompt);
    std::ranges::copy(row.activation_counts, signals.activation_counts.values.begin() + static_cast<std::ptrdiff_t>(prompt) * static_cast<std::ptrdiff_t>(n));
    std::ranges::copy(row.gradient_scores, signals.gradient_scores.values.begin() + static_cast<std::ptrdiff_t>(prompt) * static_cast<std::ptrdiff_t>(n));
    signals.losses.values[static_cast<std::size_t>(prompt)] = row.loss;
}

void say_prompts(Inputs const& inputs, std::size_t num_batches, std::int64_t num_done) {
    std::vector<std::string> order;
    std::map<std::string, std::int64_t> sizes;
    for (auto const& group : inputs.groups) {
        if (sizes[group]++ == 0) order.push_back(group);
    }
    std::string groups;
    for (auto const& group : order) groups += fmt::format("{}{} {}", groups.empty() ? "" : ", ", sizes[group], group);
    auto const& first = inputs.token_ids.front();
    std::vector<std::int32_t> const shown(first.begin(), first.begin() + std::min<std::ptrdiff_t>(std::ssize(first), 8));
    std::string const batches = plural(static_cast<std::int64_t>(num_batches), "batch");
    say("prompts", "{}; {} tokens{} {}; ids of the first: {}{}", groups, inputs.num_tokens(),
        num_done > 0 ? fmt::format(", {} done, the others in", plural(num_done, "prompt")) : " in", batches, fmt::join(shown, " "),
        first.size() > shown.size() ? " ..." : "");
}

}  // namespace

MeasuredSignals measure_signals(Setup const& setup, Mixtral const& model, RunSession& session) {
    auto const& [inputs, config, layout, machine] = setup;
    Ledger& ledger = session.ledger();
    std::vector<std::string> keys;
    std::vector<bool> done;
    for (auto const& ids : inputs.token_ids) {
        keys.push_back(FastDigest().add(std::as_bytes(std::span(ids))).hex());
        done.push_back(ledger.holds(record_kind, keys.back()));
    }
    session.expect(record_kind, std::ssize(keys));
    BatchPlan const plan = plan_batches(inputs.prompt_tokens(), inputs.job.signals.batch_tokens, done);
    say_prompts(inputs, plan.batches.size(), std::count(done.begin(), done.end(), true));

    Progress progress("signals", "tokens", layout.world.rank() == 0);
    SignalsOptions const options = {
        .tape_memory = machine.tape_memory,
        .progress = [&](std::int64_t part, std::int64_t all) { progress.update(part, all); },
        .computed =
            [&](Signals const& signals, std::span<std::int64_t const> prompts) {
                for (std::int64_t p : prompts) ledger.add(record_kind, keys[static_cast<std::size_t>(p)], to_bytes(row_of(signals, p)));
                ledger.commit();
            },
        .stop = [] { return stop_request() != StopRequest::none; }};
    Signals signals = compute_signals(model, layout, inputs.token_ids, plan, options);
    reduce_to_final_rank(signals, layout);
    std::int64_t num_tokens = 0;
    for (std::size_t p = 0; p < done.size(); ++p) {
        if (!done[p]) num_tokens += std::ssize(inputs.token_ids[p]);
        if (!done[p] || !layout.is_final_rank()) continue;
        PromptSignals row;
        from_bytes(ledger.payload(record_kind, keys[p]), row);
        set_row(signals, static_cast<std::int64_t>(p), row);
    }
    return {std::move(signals), {"signals", progress.seconds(), num_tokens}};
}

}  // namespace gatesweep
