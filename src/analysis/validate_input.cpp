#include "validate_input.h"

#include <algorithm>
#include <cmath>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

std::string prompt_name(AnalysisInput const& input, std::int64_t prompt) {
    return fmt::format("prompt {} ({})", prompt, printable(input.prompt_ids[static_cast<std::size_t>(prompt)]));
}

void check_shapes(AnalysisInput const& input) {
    std::size_t const num_prompts = input.groups.size();
    GATESWEEP_VALIDATE(num_prompts > 0, ExitCode::bad_data,
                       "no prompts (there is nothing to analyse): check the job's prompt files");
    GATESWEEP_VALIDATE(input.prompt_ids.size() == num_prompts && input.num_tokens.size() == num_prompts &&
                           input.losses.size() == num_prompts,
                       ExitCode::bad_data,
                       "{} groups, {} ids, {} token counts and {} losses of prompts (they must agree): run again",
                       num_prompts, input.prompt_ids.size(), input.num_tokens.size(), input.losses.size());
    auto const& shape = input.activation_counts.shape;
    GATESWEEP_VALIDATE(
        shape.size() == 3 && shape[0] == static_cast<std::int64_t>(num_prompts) && shape[1] > 0 && shape[2] > 0,
        ExitCode::bad_data,
        "activation counts of shape ({}) for {} prompts (it must be prompts, layers, experts): run again",
        fmt::join(shape, ", "), num_prompts);
    bool const has_layers = input.moe_layers.is_every() || std::ssize(input.moe_layers.list()) == shape[1];
    GATESWEEP_VALIDATE(has_layers, ExitCode::bad_data,
                       "activation counts of shape ({}) and {} layers with a router (each has its counts): run again",
                       fmt::join(shape, ", "), input.moe_layers.list().size());
    GATESWEEP_VALIDATE(
        input.gradient_scores.shape == shape, ExitCode::bad_data,
        "gradient scores of shape ({}) and activation counts of shape ({}) (they must be equal): run again",
        fmt::join(input.gradient_scores.shape, ", "), fmt::join(shape, ", "));
}

std::int64_t check_counts(AnalysisInput const& input) {
    auto const& counts = input.activation_counts;
    std::int64_t top_k = input.top_k;
    for (std::int64_t p = 0; p < counts.shape[0]; ++p) {
        std::int64_t const num_tokens = input.num_tokens[static_cast<std::size_t>(p)];
        GATESWEEP_VALIDATE(num_tokens > 0, ExitCode::bad_data, "{}: {} tokens (there must be some): run again",
                           prompt_name(input, p), num_tokens);
        for (std::int64_t l = 0; l < counts.shape[1]; ++l) {
            std::int64_t sum = 0;
            for (std::int64_t e = 0; e < counts.shape[2]; ++e) {
                std::int64_t const count = counts.at(p, l, e);
                GATESWEEP_VALIDATE(
                    count >= 0 && count <= num_tokens, ExitCode::bad_data,
                    "{}, layer {}, expert {}: activation count {} of {} tokens (it must lie between): run again",
                    prompt_name(input, p), input.moe_layers.layer(l), e, count, num_tokens);
                sum += count;
            }
            if (top_k == 0) top_k = sum / num_tokens;
            GATESWEEP_VALIDATE(
                top_k > 0 && sum == top_k * num_tokens, ExitCode::bad_data,
                "{}, layer {}: activation counts sum to {}, not to {} experts x {} tokens (tokens were lost or counted "
                "twice): run again",
                prompt_name(input, p), input.moe_layers.layer(l), sum, top_k, num_tokens);
        }
    }
    return top_k;
}

void check_scores(AnalysisInput const& input) {
    auto const& scores = input.gradient_scores;
    for (std::int64_t p = 0; p < scores.shape[0]; ++p) {
        double const loss = input.losses[static_cast<std::size_t>(p)];
        bool const has_loss = input.num_tokens[static_cast<std::size_t>(p)] > 1;
        GATESWEEP_VALIDATE(std::isfinite(loss) || (std::isnan(loss) && !has_loss), ExitCode::bad_data,
                           "{}: loss {} (the model's output is broken): check the checkpoint, or run in float32",
                           prompt_name(input, p), loss);
        for (std::int64_t l = 0; l < scores.shape[1]; ++l) {
            for (std::int64_t e = 0; e < scores.shape[2]; ++e) {
                double const score = scores.at(p, l, e);
                GATESWEEP_VALIDATE(std::isfinite(score) && score >= 0.0, ExitCode::bad_data,
                                   "{}, layer {}, expert {}: gradient score {} (a mean of absolute values is finite "
                                   "and not negative): "
                                   "check the checkpoint, or run in float32",
                                   prompt_name(input, p), input.moe_layers.layer(l), e, score);
            }
        }
    }
}

void check_measures(AnalysisInput const& input) {
    for (auto const& [kind, values] : input.measures) {
        MeasureFacts const& facts = facts_of(kind);
        GATESWEEP_VALIDATE(values.shape == input.gradient_scores.shape, ExitCode::bad_data,
                           "{} of shape ({}) and gradient scores of shape ({}) (they must be equal): run again",
                           facts.word, fmt::join(values.shape, ", "), fmt::join(input.gradient_scores.shape, ", "));
        for (std::int64_t p = 0; p < values.shape[0]; ++p) {
            bool const is_absent = facts.may_be_absent &&
                                   std::ranges::all_of(values.row(p), [](double value) { return std::isnan(value); });
            if (is_absent) continue;
            for (double const value : values.row(p)) {
                GATESWEEP_VALIDATE(std::isfinite(value) && (facts.is_signed || value >= 0.0), ExitCode::bad_data,
                                   "{}: {} {} (it is the {}): check the checkpoint, or run in float32",
                                   prompt_name(input, p), facts.word, value, facts.meaning);
            }
        }
    }
}

void check_parameters(AnalysisInput const& input) {
    auto const& parameters = input.parameters;
    GATESWEEP_VALIDATE(
        parameters.benign != parameters.malicious, ExitCode::job,
        "[analysis] benign and malicious both name group '{}' (there is nothing to compare): name two groups",
        printable(parameters.benign));
    for (std::string const& group : {parameters.benign, parameters.malicious}) {
        if (std::find(input.groups.begin(), input.groups.end(), group) != input.groups.end()) continue;
        std::string const near = nearest(group, input.groups);
        fail(ExitCode::job,
             "[analysis] names group '{}', which has no prompts (there is nothing to compare): name a group of "
             "[[prompts]]{}",
             printable(group), near.empty() ? "" : fmt::format(", perhaps '{}'", printable(near)));
    }
    for (double const level : parameters.coverage) {
        GATESWEEP_VALIDATE(
            level > 0.0 && level <= 1.0, ExitCode::job,
            "[analysis] coverage level {} (a level is a fraction of all mass): choose one above 0 and up to 1", level);
    }
    GATESWEEP_VALIDATE(parameters.top > 0, ExitCode::job,
                       "[analysis] top = {} (a ranking has a first place): choose 1 or more", parameters.top);
    for (SignalFacts const& signal : signal_kinds) {
        Thresholds const& thresholds = parameters.limits(signal.kind);
        GATESWEEP_VALIDATE(
            thresholds.gap >= 0.0 && std::isfinite(thresholds.gap) && std::isfinite(thresholds.min), ExitCode::job,
            "[analysis] {} = {{ gap = {}, min = {} }} (limits are finite numbers, gaps not below 0): correct them",
            signal.job_word, thresholds.gap, thresholds.min);
    }
    for (ExpertId const id : input.marks) {
        auto const& shape = input.activation_counts.shape;
        bool const exists = input.moe_layers.has(id.layer, shape[1]) && id.expert >= 0 && id.expert < shape[2];
        GATESWEEP_VALIDATE(exists, ExitCode::bad_data, "marked expert {} does not exist ({}): correct the marks",
                           to_string(id), input.moe_layers.words(shape[1], shape[2]));
    }
}

}  // namespace

std::int64_t validated_top_k(AnalysisInput const& input) {
    check_shapes(input);
    check_parameters(input);
    std::int64_t const top_k = check_counts(input);
    check_scores(input);
    check_measures(input);
    return top_k;
}

}  // namespace gatesweep
