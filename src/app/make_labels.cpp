#include "commands.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/words.h"
#include "gatesweep/label/label_files.h"
#include "gatesweep/report/evidence.h"
#include "gatesweep/report/run_view.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/run/stored_run.h"
#include "gatesweep/store/completions.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

constexpr char const* baseline_id = "baseline";

// The trials whose answers go into the sheet, the baseline first.
std::vector<std::string> trials_of(Options const& options, RunView const& run) {
    std::vector<std::string> ids = {baseline_id};
    std::vector<std::string> known;  // ids and names
    for (TrialResult const& result : run.sweep->results) {
        known.push_back(result.id);
        known.push_back(result.name);
    }
    for (std::string const& word : options.trial_ids) {
        auto const found = std::ranges::find_if(
            run.sweep->results, [&](TrialResult const& result) { return result.id == word || result.name == word; });
        GATESWEEP_VALIDATE(
            found != run.sweep->results.end(), ExitCode::usage,
            "--trial {}: the sweep of {} has no such trial{}: take an id or a name from tables/trials.csv",
            printable(word), options.folder.string(),
            nearest(word, known).empty() ? "" : fmt::format(" (did you mean {}?)", nearest(word, known)));
        if (std::find(ids.begin(), ids.end(), found->id) == ids.end()) ids.push_back(found->id);
    }
    if (!options.trial_ids.empty()) return ids;
    for (std::string const& group : run.sweep->groups) {
        for (TrialResult const* const set : headline_sets(*run.sweep, group)) {
            if (std::find(ids.begin(), ids.end(), set->id) == ids.end()) ids.push_back(set->id);
        }
    }
    return ids;
}

class ItemCollector {
public:
    ItemCollector(std::vector<std::string> ids, std::int64_t limit) : ids_(std::move(ids)), limit_(limit) {}

    void add(StoredCompletion const& c) {
        auto const trial = std::find(ids_.begin(), ids_.end(), c.trial_id);
        if (trial == ids_.end()) return;
        if (trial == ids_.begin()) prompts_[c.prompt_index] = c.prompt.value_or("");
        items_[c.group][c.prompt_index].push_back({c.trial_id, c.group, c.prompt_index, "", c.text});
        has_text_ = has_text_ || !c.text.empty();
    }

    // By group, then prompt, then as the file has them.
    std::vector<LabelItem> items(fs::path const& file) const {
        GATESWEEP_VALIDATE(has_text_, ExitCode::bad_data,
                           "{}: holds token ids without texts (the run found no tokenizer, so there is nothing "
                           "to read): run the job with a checkpoint that has one",
                           file.string());
        std::vector<LabelItem> out;
        for (auto const& [group, prompts] : items_) {
            std::int64_t taken = 0;
            for (auto const& [index, completions] : prompts) {
                if (limit_ > 0 && taken++ == limit_) break;
                auto const prompt = prompts_.find(index);
                GATESWEEP_VALIDATE(prompt != prompts_.end(), ExitCode::bad_data,
                                   "{}: prompt {} of group {} has no line of the baseline, which holds its text: copy "
                                   "the run folder again, or run the job anew",
                                   file.string(), index, printable(group));
                for (LabelItem item : completions) {
                    item.prompt = prompt->second;
                    out.push_back(std::move(item));
                }
            }
        }
        return out;
    }

private:
    std::vector<std::string> ids_;
    std::int64_t limit_;
    bool has_text_ = false;
    std::map<std::int64_t, std::string> prompts_;
    std::map<std::string, std::map<std::int64_t, std::vector<LabelItem>>> items_;
};

}  // namespace

void make_labels(Options const& options) {
    validate_run_folder(options.folder);
    RunView const run = read_run(options.folder);
    GATESWEEP_VALIDATE(run.sweep, ExitCode::input_missing,
                       "{}: the run has no sweep (no tables/trials.csv), so nothing was answered: run a job with a "
                       "[sweep] section",
                       options.folder.string());
    for (char const* name : {"labels_to_do.csv", "labels_key.csv"}) {
        GATESWEEP_VALIDATE(file_kind(options.out / name) == FileKind::missing, ExitCode::cannot_create,
                           "{}: is there already (labels that people filled in would be lost): choose another --out",
                           (options.out / name).string());
    }
    auto const ids = trials_of(options, run);
    fs::path const file = options.folder / completions_name;
    ItemCollector collector(ids, options.label_limit);
    for_each_completion(file, [&](StoredCompletion const& c) { collector.add(c); });
    auto const items = collector.items(file);
    LabelSheet const sheet = make_label_sheet(items, options.label_seed);
    write_label_sheet(options.out, sheet);
    say("labels", "{} to label for {} of {}", plural(static_cast<std::int64_t>(sheet.to_do.rows.size()), "text"),
        plural(static_cast<std::int64_t>(items.size()), "answer"), fmt::join(ids, ", "));
    say("", "fill in {0}, then: gatesweep relabel {1} --set sweep.labels.human={0} --out NEW",
        (options.out / "labels_to_do.csv").string(), options.folder.string());
}

}  // namespace gatesweep
