#include "span_work.h"

#include <boost/serialization/string.hpp>
#include <boost/serialization/utility.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <utility>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/stop_request.h"
#include "gatesweep/comm/progress.h"

namespace boost::serialization {
template <class Archive>
void serialize(Archive& a, gatesweep::SpanRouting& x, unsigned int) {
    a& x.experts& x.loss;
}
}  // namespace boost::serialization

namespace gatesweep {
namespace {

// Records without shares stay what they were before there were any.
std::string record_of(SpanRouting const& routing, bool with_shares) {
    return with_shares ? to_bytes(std::pair(routing, routing.shares)) : to_bytes(routing);
}

void recall(std::string const& record, bool with_shares, SpanRouting& routing) {
    if (!with_shares) return from_bytes(record, routing);
    std::pair<SpanRouting, std::vector<double>> both;
    from_bytes(record, both);
    routing = std::move(both.first);
    routing.shares = std::move(both.second);
}

// What decides a span's routing: the tokens, and which of them count.
std::string key_of(CountedSpan const& text) {
    return FastDigest().add(ids_digest(text.token_ids)).add(fmt::format("{} {}", text.first, text.last)).hex();
}

// What the ranks computed, on the final rank.
void gather(std::vector<SpanRouting>& routing, std::vector<bool> const& done, ParallelLayout const& layout) {
    std::vector<std::pair<std::int64_t, std::string>> mine;
    for (std::size_t t = 0; t < routing.size(); ++t) {
        if (!done[t] && !routing[t].experts.empty())
            mine.emplace_back(static_cast<std::int64_t>(t), record_of(std::exchange(routing[t], {}), true));
    }
    for (auto const& part : layout.world.gather_value(mine, layout.final_rank())) {
        for (auto const& [text, record] : part)
            recall(record, true, routing[static_cast<std::size_t>(text)]);
    }
}

}  // namespace

MeasuredSpans measure_spans(Setup const& setup, SpanModel const& model, SpanWork const& work, RunSession& session) {
    auto const& [inputs, config, layout, machine] = setup;
    Ledger& ledger = session.ledger();
    std::vector<std::string> keys;
    std::vector<std::int64_t> lengths;
    std::vector<bool> done;
    MeasuredSpans out;
    for (CountedSpan const& text : work.texts) {
        keys.push_back(key_of(text));
        lengths.push_back(std::ssize(text.token_ids));
        done.push_back(ledger.holds(work.record_kind, keys.back()));
        if (!done.back()) out.num_tokens += lengths.back();
    }
    session.expect(work.record_kind, std::ssize(keys));
    BatchPlan const plan = plan_batches(lengths, inputs.job.signals.batch_tokens, done);
    Progress progress(work.phase, "tokens", layout.world, counts_as(layout));
    auto const no_rank_stops = [&world = layout.world](StopRequest least) {
        return world.all_reduce_max(stop_request() >= least ? 1 : 0) == 0;
    };
    SpanRoutingOptions const options{
        .with_shares = work.with_shares,
        .progress = [&](std::int64_t part, std::int64_t all) { progress.update(part, all); },
        .computed =
            [&](std::vector<SpanRouting> const& routing, std::span<std::int64_t const> texts) {
                for (std::int64_t const t : texts)
                    ledger.add(work.record_kind, keys[static_cast<std::size_t>(t)],
                               record_of(routing[static_cast<std::size_t>(t)], work.with_shares));
                ledger.commit();
            },
        .stop = [] { return stop_request() != StopRequest::none; },
        .activation_memory = model.streaming.activation_memory,
        .go_on = [&] { return no_rank_stops(StopRequest::now); },
        .go_on_with_next_chunk = [&] { return no_rank_stops(StopRequest::soft); }};
    out.routing = model.resident ? compute_span_routing(*model.resident, layout, work.texts, plan, options)
                                 : compute_span_routing(*model.streamed, layout, work.texts, plan, options);
    progress.finish();
    out.seconds = progress.seconds();
    gather(out.routing, done, layout);
    for (std::size_t t = 0; t < done.size(); ++t) {
        if (!layout.is_final_rank()) break;
        if (done[t]) recall(ledger.payload(work.record_kind, keys[t]), work.with_shares, out.routing[t]);
        CountedSpan const& text = work.texts[t];
        GATESWEEP_VALIDATE(
            std::ssize(out.routing[t].experts) == config.num_sparse_layers() * text.num_counted() * config.top_k &&
                (!work.with_shares ||
                 std::ssize(out.routing[t].shares) == config.num_sparse_layers() * config.num_experts),
            ExitCode::internal,
            "text {}: its routing has another shape than its tokens (it cannot be used): this is a "
            "mistake in gatesweep; please report it",
            t);
    }
    if (!layout.is_final_rank()) out.routing.clear();
    return out;
}

RoutedTexts routed_texts(std::vector<CountedSpan> const& texts, std::vector<SpanRouting> routing,
                         ModelConfig const& config) {
    RoutedTexts out{config.num_sparse_layers(), config.num_experts, config.top_k, {}};
    for (std::size_t t = 0; t < texts.size(); ++t)
        out.texts.push_back({counted_tokens(texts[t], routing[t], config.top_k), std::move(routing[t].shares)});
    return out;
}

CountedTokens counted_tokens(CountedSpan const& span, SpanRouting const& routing, std::int64_t top_k) {
    return {{span.token_ids.begin() + span.first, span.token_ids.begin() + span.last}, routing.experts, top_k};
}

}  // namespace gatesweep
