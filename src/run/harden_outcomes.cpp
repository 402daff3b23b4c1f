#include "harden_outcomes.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gatesweep/label/labelling.h"
#include "gatesweep/run/completions.h"
#include "span_work.h"

namespace gatesweep {
namespace {

constexpr std::int64_t num_resamples = 1000;
constexpr std::uint64_t stream = 0x4841;  // of the bootstrap: of no other table

struct Labelled {
    std::vector<Completion> const& completions;
    std::vector<Label> labels;

    // Of the prompts of `rows` under a variant: replies that refuse, or do not.
    Share share(std::vector<std::int64_t> const& rows, std::int32_t variant, bool restricted) const {
        Share out;
        for (std::size_t i = 0; i < completions.size(); ++i) {
            Completion const& c = completions[i];
            if (c.variant != variant || std::ranges::find(rows, c.prompt) == rows.end()) continue;
            auto const judged = is_restricted(labels[i]);
            if (!judged) continue;
            ++out.of;
            out.count += *judged == restricted ? 1 : 0;
        }
        return out;
    }
};

Labelled labelled(OutcomeInput const& input, Evaluation const& evaluation) {
    Labelled out{evaluation.completions, {}};
    auto const texts = decode_completions(input.inputs, evaluation.completions);
    std::vector<std::string> readable;
    for (auto const& text : texts)
        readable.push_back(text.value_or(""));
    out.labels = phrase_labels(input.inputs.job, readable);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (!texts[i]) out.labels[i] = Label::unscored;
    }
    return out;
}

void count_replies(OutcomeInput const& input, Evaluation const& evaluation, ArmOutcome& out) {
    Labelled const replies = labelled(input, evaluation);
    for (std::size_t v = 0; v <= input.suppressed.size(); ++v)
        out.refusals.push_back(replies.share(input.rows.harmful, static_cast<std::int32_t>(v), true));
    out.benign = replies.share(input.rows.benign, 0, false);
    out.near_miss = replies.share(input.rows.near_miss, 0, false);
}

// Texts of benign and near-miss prompts, in rows.all().
std::vector<std::int64_t> watched_texts(OutcomeInput const& input) {
    std::vector<std::int64_t> out(input.texts.size() - input.rows.harmful.size());
    std::iota(out.begin(), out.end(), std::ssize(input.rows.harmful));
    return out;
}

double log_ratio(OutcomeInput const& input, Evaluation const& arm, DrawnRows const& drawn) {
    double sum = 0.0, targets = 0.0;
    for (auto const& [row, times] : drawn) {
        auto const t = static_cast<std::size_t>(row);
        double const num = times * static_cast<double>(std::ssize(input.texts[t].token_ids) - 1);
        sum += num * (arm.routing[t].loss - input.base.routing[t].loss);
        targets += num;
    }
    return sum / targets;
}

Estimate perplexity_ratio(OutcomeInput const& input, Evaluation const& arm) {
    std::vector<std::int64_t> const rows = watched_texts(input);
    Estimate out;
    out.value = std::exp(log_ratio(input, arm, all_rows(rows)));
    std::vector<double> resampled;
    for (DrawnRows const& drawn : resampled_rows(rows, num_resamples, stream))
        resampled.push_back(std::exp(log_ratio(input, arm, drawn)));
    out.interval = percentile_interval(resampled);
    return out;
}

void compare_routes(OutcomeInput const& input, Evaluation const& arm, ArmOutcome& out) {
    RoutedTexts const before = routed_texts(input.texts, input.base.routing, input.config),
                      after = routed_texts(input.texts, arm.routing, input.config);
    std::vector<TextPair> pairs;
    std::vector<std::int64_t> rows;
    for (std::size_t i = 0; i < input.texts.size(); ++i) {
        pairs.push_back({i, i});
        rows.push_back(static_cast<std::int64_t>(i));
    }
    auto const found = divergences(before, after, pairs, OverlapOf::tokens);
    auto const resamples = resampled_rows(rows, num_resamples, stream);
    DivergenceSummary const all = summaries(found, resamples).back();
    out.js = all.js;
    out.overlap = all.overlap;
}

}  // namespace

ArmOutcome base_outcome(OutcomeInput const& input) {
    ArmOutcome out;
    out.arm = "base";
    count_replies(input, input.base, out);
    return out;
}

ArmOutcome arm_outcome(OutcomeInput const& input, std::string const& arm, Evaluation const& evaluation,
                       bool router_identical) {
    ArmOutcome out;
    out.arm = arm;
    count_replies(input, evaluation, out);
    out.perplexity_ratio = perplexity_ratio(input, evaluation);
    compare_routes(input, evaluation, out);
    out.router_identical = router_identical;
    return out;
}

}  // namespace gatesweep
