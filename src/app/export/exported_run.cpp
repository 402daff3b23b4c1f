#include "exported_run.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/run/stored_run.h"
#include "gatesweep/store/run_directory.h"

namespace gatesweep {
namespace {

constexpr char const* baseline_id = "baseline";
constexpr std::string_view metadata_prefix = "meta_";

std::string experts_text(CsvTable const& trials, std::size_t row) {
    auto const has = std::ranges::find(trials.header, "experts_with_values") != trials.header.end();
    std::string const with_values = has ? trials.text(row, "experts_with_values") : "";
    return with_values.empty() ? trials.text(row, "experts") : with_values;
}

// Ids of what the options name by id or name, with the baseline; empty: all.
std::set<std::string> chosen_trials(Options const& options, SweepView const& sweep) {
    std::set<std::string> chosen;
    std::vector<std::string> known;
    for (TrialResult const& result : sweep.results) {
        known.push_back(result.id);
        known.push_back(result.name);
    }
    for (std::string const& word : options.trial_ids) {
        auto const found = std::ranges::find_if(
            sweep.results, [&](TrialResult const& result) { return result.id == word || result.name == word; });
        std::string const close = nearest(word, known);
        GATESWEEP_VALIDATE(found != sweep.results.end(), ExitCode::usage,
                           "--trial {}: the sweep of {} has no such trial{}: take an id or a name from "
                           "tables/trials.csv",
                           printable(word), options.folder.string(),
                           close.empty() ? "" : fmt::format(" (did you mean {}?)", close));
        chosen.insert(found->id);
    }
    if (!chosen.empty()) chosen.insert(baseline_id);
    return chosen;
}

std::vector<ExportedTrial> exported_trials(RunView const& view, Options const& options) {
    std::vector<ExportedTrial> out;
    if (!view.sweep) return out;
    auto const chosen = chosen_trials(options, *view.sweep);
    CsvTable const& table = view.table("trials");
    for (std::size_t row = 0; row < view.sweep->results.size(); ++row) {
        TrialResult const& result = view.sweep->results[row];
        if (!chosen.empty() && !chosen.contains(result.id)) continue;
        auto found = std::ranges::find(out, result.id, &ExportedTrial::id);
        if (found == out.end()) found = out.insert(out.end(), {result.id, experts_text(table, row), {}});
        found->results.push_back(&result);
    }
    return out;
}

std::vector<std::map<std::string, std::string>> metadata_of(CsvTable const& prompts) {
    std::vector<std::map<std::string, std::string>> out(prompts.rows.size());
    for (std::size_t column = 0; column < prompts.header.size(); ++column) {
        std::string_view const name = prompts.header[column];
        if (!name.starts_with(metadata_prefix)) continue;
        for (std::size_t row = 0; row < prompts.rows.size(); ++row) {
            std::string const& cell = prompts.rows[row][column];
            if (!cell.empty()) out[row].emplace(name.substr(metadata_prefix.size()), cell);
        }
    }
    return out;
}

// The replies of one trial after the other, as the run wrote them.
class TrialReader {
public:
    using Visit = std::function<void(ExportedTrial const&, std::vector<ExportedReply> const&)>;
    TrialReader(ExportedRun const& run, std::filesystem::path file, Visit const& visit)
        : run_(run), file_(std::move(file)), visit_(visit) {}

    void add(StoredCompletion const& completion) {
        if (replies_.empty() || completion.trial_id != replies_.front().reply.trial_id) begin(completion.trial_id);
        auto const baseline = baseline_.find(completion.prompt_index);
        bool const is_baseline = completion.trial_id == baseline_id;
        GATESWEEP_VALIDATE(
            is_baseline || baseline != baseline_.end(), ExitCode::bad_data,
            "{}: prompt {} of group {} has no line of the baseline before it, which holds its text: copy "
            "the run folder again",
            file_.string(), completion.prompt_index, printable(completion.group));
        bool const is_known = completion.prompt_index >= 0 && completion.prompt_index < std::ssize(run_.metadata);
        GATESWEEP_VALIDATE(is_known, ExitCode::bad_data,
                           "{}: there is no prompt {} in tables/prompts.csv: copy the run folder again", file_.string(),
                           completion.prompt_index);
        if (is_baseline) baseline_.emplace(completion.prompt_index, completion);
        replies_.push_back({completion, nullptr, ""});
    }

    void finish() {
        if (replies_.empty()) return;
        auto const trial = std::ranges::find(run_.trials, replies_.front().reply.trial_id, &ExportedTrial::id);
        if (trial != run_.trials.end()) {
            for (ExportedReply& reply : replies_) {
                reply.baseline = &baseline_.at(reply.reply.prompt_index);
                reply.prompt = reply.baseline->prompt.value_or("");
            }
            visit_(*trial, replies_);
        }
        replies_.clear();
    }

private:
    void begin(std::string const& id) {
        finish();
        GATESWEEP_VALIDATE(seen_.insert(id).second, ExitCode::bad_data,
                           "{}: the replies of trial {} do not stand together (the run writes them so): copy the run "
                           "folder again",
                           file_.string(), printable(id));
    }

    ExportedRun const& run_;
    std::filesystem::path file_;
    Visit const& visit_;
    std::set<std::string> seen_;
    std::map<std::int64_t, StoredCompletion> baseline_;
    std::vector<ExportedReply> replies_;
};

}  // namespace

nlohmann::ordered_json ExportedTrial::facts() const {
    TrialResult const& result = first();
    nlohmann::ordered_json out = {{"trial_id", id}, {"name", result.name}, {"kind", result.kind}};
    if (results.front()->kind == baseline_id) return out;
    out["mode"] = result.edit.mode;
    if (!result.edit.scope.empty()) out["scope"] = result.edit.scope;
    if (!std::isnan(result.edit.dose)) out["dose"] = result.edit.dose;
    out["experts"] = experts;
    return out;
}

std::string ExportedRun::model_name() const {
    auto const path = std::filesystem::path(view.job.model).lexically_normal();
    return (path.has_filename() ? path.filename() : path.parent_path().filename()).string();
}

std::string ExportedRun::date_for_file() const {
    std::string date = manifest.finished.empty() ? manifest.started : manifest.finished;
    if (date.ends_with('Z')) date.pop_back();
    std::ranges::replace(date, ':', '-');
    return date;
}

ExportedRun read_exported_run(Options const& options) {
    validate_run_folder(options.folder);
    GATESWEEP_VALIDATE(is_complete(options.folder), ExitCode::bad_data,
                       "{}: the run is not complete (other tools would take a part for the whole): run its job again, "
                       "which goes on",
                       options.folder.string());
    ExportedRun run;
    run.manifest = read_manifest(options.folder);
    validate_unchanged(options.folder, run.manifest);
    run.view = read_run(options.folder);
    run.job = load_stored_job(options.folder / "job.toml");
    run.metadata = metadata_of(run.view.table("prompts"));
    GATESWEEP_VALIDATE(options.trial_ids.empty() || run.view.sweep, ExitCode::usage,
                       "--trial {}: {} has no sweep: leave --trial out", printable(options.trial_ids.front()),
                       options.folder.string());
    run.trials = exported_trials(run.view, options);
    return run;
}

void require_sweep(ExportedRun const& run, std::string_view format) {
    GATESWEEP_VALIDATE(
        run.view.sweep, ExitCode::input_missing,
        "{}: the run has no sweep (no tables/trials.csv), so there are no replies for {}: run a job with "
        "a [sweep] section",
        run.folder().string(), format);
}

void for_each_trial(ExportedRun const& run,
                    std::function<void(ExportedTrial const&, std::vector<ExportedReply> const&)> const& visit) {
    auto const file = run.folder() / completions_name;
    TrialReader reader(run, file, visit);
    for_each_completion(file, [&](StoredCompletion const& completion) { reader.add(completion); });
    reader.finish();
}

std::string json_text(nlohmann::ordered_json const& value) {
    return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

nlohmann::ordered_json json_number(double value) {
    return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

std::string plain_name(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        bool const is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_plain) c = '_';
    }
    return out;
}

}  // namespace gatesweep
