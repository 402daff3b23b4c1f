#include "gatesweep/run/wanted_measures.h"

#include <algorithm>
#include <boost/serialization/vector.hpp>
#include <cmath>

#include "gatesweep/base/error.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/input/prompt_tokens.h"

namespace boost::serialization {
template <class Archive>
void serialize(Archive& a, gatesweep::OpeningTokens& x, unsigned int) {
    a& x.refusals& x.compliances;
}
}  // namespace boost::serialization

namespace gatesweep {
namespace {

// Each once, in the order of the openings.
std::vector<std::int32_t> first_tokens(std::vector<std::string> const& openings, Tokenizer const& tokenizer) {
    std::vector<std::int32_t> out;
    for (std::string const& opening : openings) {
        auto const ids = tokenizer.encode(opening);
        if (!ids.empty() && std::ranges::find(out, ids.front()) == out.end()) out.push_back(ids.front());
    }
    return out;
}

// A token that begins openings of both kinds tells nothing and is left out.
OpeningTokens opening_tokens(Job const& job) {
    GATESWEEP_VALIDATE(has_tokenizer(job.model), ExitCode::input_missing,
                       "{}: has no tokenizer (logit-gradient needs the first tokens of openings): leave logit-gradient "
                       "out of [scores] providers, or add the tokenizer's files",
                       job.model.path.string());
    Tokenizer const tokenizer = load_tokenizer(job.model);
    auto const refusals = first_tokens(job.scores.refusals, tokenizer);
    auto const compliances = first_tokens(job.scores.compliances, tokenizer);
    OpeningTokens out;
    auto const only_in = [](std::vector<std::int32_t> const& these, std::vector<std::int32_t> const& others) {
        std::vector<std::int32_t> left = these;
        std::erase_if(left, [&](std::int32_t id) { return std::ranges::find(others, id) != others.end(); });
        return left;
    };
    out.refusals = only_in(refusals, compliances);
    out.compliances = only_in(compliances, refusals);
    GATESWEEP_VALIDATE(!out.refusals.empty() && !out.compliances.empty(), ExitCode::job,
                       "[scores] refusals and compliances begin with the same tokens (of an opening logit-gradient "
                       "looks at the first token alone): name openings that begin otherwise");
    return out;
}

}  // namespace

WantedMeasures wanted_measures(Setup const& setup) {
    Job const& job = setup.inputs.job;
    WantedMeasures wanted;
    for (MeasureFacts const& facts : measure_kinds) {
        if (job.scores.needs(facts.measure)) wanted.kinds.push_back(facts.measure);
    }
    if (!wanted.has(Measure::margin_gradient)) return wanted;
    ParallelLayout const& layout = setup.layout;
    fail_once(layout.world, [&] {
        if (layout.is_final_rank()) wanted.openings = opening_tokens(job);
    });
    layout.world.broadcast_value(wanted.openings, layout.final_rank());
    for (std::string const& group : setup.inputs.groups)
        wanted.margin_of_prompt.push_back(group == job.analysis.malicious);
    return wanted;
}

BatchPlan plan_measured_batches(Setup const& setup, WantedMeasures const& wanted, std::vector<bool> const& done) {
    std::vector<std::int64_t> const tokens = setup.inputs.prompt_tokens();
    std::int64_t const batch_tokens = setup.inputs.job.signals.batch_tokens;
    if (!wanted.has(Measure::margin_gradient)) return plan_batches(tokens, batch_tokens, done);
    BatchPlan whole;
    for (bool const with_margin : {true, false}) {
        std::vector<bool> others = done;
        for (std::size_t p = 0; p < others.size(); ++p)
            others[p] = others[p] || wanted.wants_margin(static_cast<std::int64_t>(p)) != with_margin;
        BatchPlan const part = plan_batches(tokens, batch_tokens, others);
        whole.batches.insert(whole.batches.end(), part.batches.begin(), part.batches.end());
        whole.max_batch_tokens = std::max(whole.max_batch_tokens, part.max_batch_tokens);
    }
    return whole;
}

void mark_absent(Signals& signals, WantedMeasures const& wanted) {
    auto const found = signals.measures.find(Measure::margin_gradient);
    if (found == signals.measures.end()) return;
    for (std::int64_t p = 0; p < found->second.shape[0]; ++p) {
        if (!wanted.wants_margin(p)) std::ranges::fill(found->second.row(p), std::nan(""));
    }
}

}  // namespace gatesweep
