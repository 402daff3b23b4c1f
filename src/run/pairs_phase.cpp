#include "gatesweep/run/pairs_phase.h"

#include "gatesweep/analysis/pair_tables.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/words.h"
#include "gatesweep/input/prompt_tokens.h"
#include "span_work.h"

namespace gatesweep {
namespace {

constexpr char const* record_kind = "pair side";

// Text 2 p + s is side s of pair p.
std::vector<CountedSpan> texts_of(std::vector<Pair> const& pairs) {
    std::vector<CountedSpan> texts;
    for (Pair const& pair : pairs) {
        for (PairSide const& side : pair.sides)
            texts.push_back({side.token_ids, side.first, side.last});
    }
    return texts;
}

void say_pairs(std::vector<Pair> const& pairs) {
    std::int64_t tokens = 0, counted[2] = {};
    for (Pair const& pair : pairs) {
        for (std::size_t side = 0; side < 2; ++side) {
            tokens += std::ssize(pair.sides[side].token_ids);
            counted[side] += pair.sides[side].num_counted();
        }
    }
    say("pairs", "{}, {} tokens; counted: {} of side 0, {} of side 1", plural(std::ssize(pairs), "pair"), tokens,
        counted[0], counted[1]);
}

}  // namespace

std::optional<PairsPhase> measure_pairs(Setup const& setup, LoadedModel& loaded, RunSession& session) {
    auto const& [inputs, config, layout, machine] = setup;
    if (inputs.pairs.empty()) return std::nullopt;
    say_pairs(inputs.pairs);
    std::vector<CountedSpan> const texts = texts_of(inputs.pairs);
    MeasuredSpans const spans = measure_spans(setup, {loaded.resident(), loaded.streamed(), loaded.streaming()},
                                              {record_kind, RunPhase::pairs, texts}, session);
    PairsPhase out;
    out.timing = {"pairs", spans.seconds, spans.num_tokens};
    if (!layout.is_final_rank()) return out;
    MeasuredPairs& measured = out.measured;
    measured.num_layers = config.num_sparse_layers();
    measured.num_experts = config.num_experts;
    measured.top_k = config.top_k;
    measured.moe_layers = MoeLayers(config.sparse_layers());
    for (std::size_t p = 0; p < inputs.pairs.size(); ++p) {
        MeasuredPair& pair = measured.pairs.emplace_back();
        pair.id = inputs.pairs[p].id;
        pair.name = inputs.pairs[p].name;
        for (std::size_t side = 0; side < 2; ++side) {
            std::size_t const text = 2 * p + side;
            pair.num_tokens[side] = std::ssize(texts[text].token_ids);
            pair.losses[side] = spans.routing[text].loss;
            pair.counted[side] = counted_tokens(texts[text], spans.routing[text], config.top_k);
        }
    }
    return out;
}

void write_pairs(Inputs const& inputs, MeasuredPairs const& measured, NdArray<std::int64_t> const& counts,
                 RunDirectory& run) {
    run.write_array("pair_counts", counts);
    Tokenizer const tokenizer = load_tokenizer(inputs.job.model);
    for (CsvTable const& table : pair_tables(measured, [&](std::int32_t id) { return tokenizer.piece(id); }))
        run.write_table(table.name, table);
}

}  // namespace gatesweep
