#include "generated_phase.h"

#include <boost/serialization/vector.hpp>

#include <algorithm>

#include "gatesweep/store/table_catalogue.h"
#include "span_work.h"

namespace boost::serialization {
template <class Archive>
void serialize(Archive& a, gatesweep::CountedSpan& x, unsigned int) {
    a& x.token_ids& x.first& x.last;
}
}  // namespace boost::serialization

namespace gatesweep {
namespace {

constexpr char const* record_kind = "reply routing";

std::vector<CountedSpan> replies_behind_prompts(std::vector<Completion> const& baseline,
                                                std::vector<std::vector<std::int32_t>> const& prompts) {
    std::vector<CountedSpan> out;
    for (Completion const& completion : baseline) {
        CountedSpan& span = out.emplace_back(CountedSpan{prompts[static_cast<std::size_t>(completion.prompt)], 0, 0});
        span.first = std::ssize(span.token_ids);
        span.token_ids.insert(span.token_ids.end(), completion.token_ids.begin(), completion.token_ids.end());
        span.last = std::ssize(span.token_ids);
    }
    return out;
}

// Of one phase and group: tokens, and those that chose each expert.
void add_rows(std::string_view phase, std::string const& group, std::int64_t num_tokens,
              std::vector<std::int64_t> const& chosen, AnalysisInput const& input, CsvTable& table) {
    std::int64_t const num_experts = input.activation_counts.shape[2];
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        auto const index = static_cast<std::int64_t>(i);
        table.add(phase, group, input.moe_layers.layer(index / num_experts), index % num_experts, num_tokens, chosen[i],
                  static_cast<double>(chosen[i]) / static_cast<double>(num_tokens));
    }
}

std::vector<std::int64_t> sum_of(NdArray<std::int64_t> const& counts, std::vector<std::int64_t> const& prompts) {
    std::vector<std::int64_t> sum(static_cast<std::size_t>(counts.shape[1] * counts.shape[2]));
    for (std::int64_t const p : prompts)
        std::ranges::transform(sum, counts.row(p), sum.begin(), std::plus());
    return sum;
}

// Of the prompts that were generated on, group by group, so that both phases are of the same conversations.
CsvTable phases_table(AnalysisInput const& input, NdArray<std::int64_t> const& generated,
                      std::vector<std::int64_t> const& generated_tokens) {
    CsvTable table = new_table("phases");
    std::vector<std::string> groups;
    for (std::size_t p = 0; p < input.groups.size(); ++p) {
        if (generated_tokens[p] > 0 && std::ranges::find(groups, input.groups[p]) == groups.end())
            groups.push_back(input.groups[p]);
    }
    for (TokenPhase const phase : {TokenPhase::prompt, TokenPhase::generated}) {
        auto const& counts = phase == TokenPhase::prompt ? input.activation_counts : generated;
        auto const& tokens = phase == TokenPhase::prompt ? input.num_tokens : generated_tokens;
        for (std::string const& group : groups) {
            std::vector<std::int64_t> prompts;
            std::int64_t num_tokens = 0;
            for (std::size_t p = 0; p < input.groups.size(); ++p) {
                if (input.groups[p] != group || generated_tokens[p] == 0) continue;
                prompts.push_back(static_cast<std::int64_t>(p));
                num_tokens += tokens[p];
            }
            add_rows(to_string(phase), group, num_tokens, sum_of(counts, prompts), input, table);
        }
    }
    return table;
}

}  // namespace

void count_generated(Setup const& setup, Decoder const& model, std::vector<Completion> const& baseline,
                     AnalysisInput const* input, RunSession& session) {
    auto const& [inputs, config, layout, machine] = setup;
    if (!inputs.job.signals.counts(TokenPhase::generated)) return;
    std::vector<CountedSpan> texts = replies_behind_prompts(baseline, inputs.token_ids);
    layout.world.broadcast_value(texts, layout.final_rank());
    SpanModel computing;
    computing.resident = &model;
    MeasuredSpans const spans = measure_spans(setup, computing, {record_kind, RunPhase::baseline, texts}, session);
    if (!layout.is_final_rank()) return;
    NdArray<std::int64_t> counts({std::ssize(inputs.token_ids), config.num_sparse_layers(), config.num_experts});
    std::vector<std::int64_t> num_tokens(inputs.token_ids.size(), 0);
    for (std::size_t t = 0; t < texts.size(); ++t) {
        std::int64_t const prompt = baseline[t].prompt;
        CountedTokens const tokens = counted_tokens(texts[t], spans.routing[t], config.top_k);
        num_tokens[static_cast<std::size_t>(prompt)] = tokens.size();
        for (std::int64_t row = 0; row < config.num_sparse_layers(); ++row) {
            for (std::int64_t i = 0; i < tokens.size(); ++i) {
                for (std::uint16_t const expert : tokens.experts_of(row, i))
                    ++counts.at(prompt, row, expert);
            }
        }
    }
    session.folder()->write_array("generated_counts", counts);
    session.folder()->write_table("phases", phases_table(*input, counts, num_tokens));
}

}  // namespace gatesweep
