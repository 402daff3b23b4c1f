#include "gatesweep/run/stored_replies.h"

#include <algorithm>

#include "gatesweep/analysis/stored_signals.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/store/completions.h"
#include "gatesweep/sweep/sweep_measures.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

ReplyLabel label_of(StoredCompletion const& completion) {
    LabelSource const by = completion.label_source.empty()      ? LabelSource::nobody
                           : completion.label_source == "human" ? LabelSource::person
                                                                : LabelSource::labeller;
    return {parse_label(completion.label).value_or(Label::unscored), by};
}

void read_completions(fs::path const& file, StoredReplies& to) {
    std::map<std::string, std::int64_t> trials;
    for (Trial const& trial : to.sweep.plan.trials)
        trials.emplace(trial.id, std::ssize(trials));
    for_each_completion(file, [&](StoredCompletion const& c) {
        auto const trial = trials.find(c.trial_id);
        bool const is_known = trial != trials.end() && c.prompt_index >= 0 && c.prompt_index < std::ssize(to.groups);
        GATESWEEP_VALIDATE(
            is_known, ExitCode::bad_data,
            "{}: trial {} on prompt {} is not in tables/trials.csv and prompts.csv: copy the run folder again",
            file.string(), printable(c.trial_id), c.prompt_index);
        if (c.prompt) to.prompts[c.prompt_index] = *c.prompt;
        to.trial.push_back(trial->second);
        to.prompt.push_back(c.prompt_index);
        to.label.push_back(label_of(c));
        bool const was_read = !c.text.empty() || to.label.back().by != LabelSource::nobody;
        to.text.push_back(was_read ? std::optional(c.text) : std::nullopt);
    });
    for (std::int64_t const prompt : to.prompt) {
        GATESWEEP_VALIDATE(to.prompts.contains(prompt), ExitCode::bad_data,
                           "{}: prompt {} has no line of the baseline, which holds its text: copy the run folder again",
                           file.string(), prompt);
    }
    GATESWEEP_VALIDATE(std::ranges::any_of(to.text, [](auto const& text) { return text.has_value(); }),
                       ExitCode::bad_data,
                       "{}: holds token ids without texts (the run found no tokenizer, so there is nothing to "
                       "label): run the job "
                       "with a checkpoint that has one",
                       file.string());
}

}  // namespace

std::vector<Reply> StoredReplies::replies() const {
    std::vector<Reply> out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        out.push_back({sweep.plan.trials[static_cast<std::size_t>(trial[i])].id,
                       groups[static_cast<std::size_t>(prompt[i])], prompt[i], prompts.at(prompt[i]), text[i]});
    }
    return out;
}

SweepOutcomes StoredReplies::outcomes(SweepSpec const& sweep_spec, std::vector<ReplyLabel> const& labels) const {
    std::vector<MeasuredReply> measured;
    for (std::size_t i = 0; i < text.size(); ++i)
        measured.push_back({trial[i], prompt[i], text[i], labels[i]});
    SweepOutcomes out = collect_outcomes(sweep_spec, groups, sweep.plan, measured, sweep.texts, activation_counts);
    out.tokens_affected = sweep.tokens_affected;
    return out;
}

StoredReplies read_stored_replies(fs::path const& run_folder) {
    GATESWEEP_VALIDATE(
        file_kind(run_folder / "tables" / "trials.csv") == FileKind::file, ExitCode::input_missing,
        "{}: the run has no sweep (no tables/trials.csv), so nothing was answered: run a job with a [sweep] section",
        run_folder.string());
    StoredReplies out;
    AnalysisInput input = read_signals(run_folder);
    out.groups = std::move(input.groups);
    out.metadata = std::move(input.metadata);
    out.activation_counts = std::move(input.activation_counts);
    auto const& shape = out.activation_counts.shape;
    out.sweep = read_stored_sweep(run_folder / "tables", shape[1], shape[2], input.moe_layers);
    read_completions(run_folder / completions_name, out);
    return out;
}

}  // namespace gatesweep
