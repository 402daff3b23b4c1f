#include "formats.h"

#include <algorithm>

#include "gatesweep/base/file.h"
#include "gatesweep/label/label.h"
#include "gatesweep/report/evidence.h"

namespace gatesweep {
namespace {

using Json = nlohmann::ordered_json;

// Ids of samples: the prompts' own, with the group before them where two groups share one.
std::vector<std::string> sample_ids(CsvTable const& prompts) {
    std::map<std::string, int> times;
    for (std::size_t row = 0; row < prompts.rows.size(); ++row)
        ++times[prompts.text(row, "prompt_id")];
    std::vector<std::string> ids;
    for (std::size_t row = 0; row < prompts.rows.size(); ++row) {
        std::string const& id = prompts.text(row, "prompt_id");
        ids.push_back(times[id] == 1 ? id : fmt::format("{}/{}", prompts.text(row, "group"), id));
    }
    return ids;
}

class InspectLog {
public:
    explicit InspectLog(ExportedRun const& run) : run_(run), ids_(sample_ids(run.view.table("prompts"))) {
        for (std::size_t i = 0; i < run.trials.size(); ++i)
            epochs_.emplace(run.trials[i].id, i + 1);
        model_ = "gatesweep/" + run.model_name();
    }

    // Everything before the samples, in the order in which Inspect's own reader wants the parts.
    std::string head() const {
        Json log;
        log["version"] = 2;
        log["status"] = "success";
        log["eval"] = eval();
        log["plan"] = {{"name", "plan"},
                       {"steps", {{{"solver", "generate"}, {"params", Json::object()}}}},
                       {"config", {{"max_tokens", run_.job.sweep.max_new_tokens}, {"temperature", 0.0}}}};
        log["results"] = results();
        log["stats"] = {{"started_at", started()}, {"completed_at", completed()}, {"model_usage", Json::object()}};
        std::string text = json_text(log);
        text.pop_back();
        return text + ",\"samples\":[\n";
    }

    std::string sample(ExportedTrial const& trial, ExportedReply const& reply) const {
        StoredCompletion const& c = reply.reply;
        Json message = {{"role", "assistant"}, {"content", c.text}, {"source", "generate"}, {"model", model_}};
        Json out;
        out["id"] = ids_[static_cast<std::size_t>(c.prompt_index)];
        out["epoch"] = epochs_.at(trial.id);
        out["input"] = reply.prompt;
        out["target"] = "";
        out["messages"] = {{{"role", "user"}, {"content", reply.prompt}, {"source", "input"}}, message};
        out["output"] = {
            {"model", model_},
            {"choices",
             {{{"message", std::move(message)}, {"stop_reason", c.finish_reason == "eos" ? "stop" : "max_tokens"}}}},
            {"completion", c.text},
            {"usage", usage(c)}};
        out["scores"] = scores(reply);
        out["metadata"] = metadata(trial, reply);
        out["store"] = Json::object();
        out["events"] = Json::array();
        out["model_usage"] = {{model_, usage(c)}};
        out["attachments"] = Json::object();
        return json_text(out);
    }

    std::string file_name() const {
        return fmt::format("{}+00-00_{}_{}.json", run_.date_for_file(), plain_name(run_.view.title()), id());
    }

private:
    std::string id() const { return run_.manifest.plan_digest.substr(0, 22); }
    std::string started() const { return run_.manifest.started; }
    std::string completed() const {
        return run_.manifest.finished.empty() ? run_.manifest.started : run_.manifest.finished;
    }

    Json eval() const {
        Json epochs = Json::array();
        for (ExportedTrial const& trial : run_.trials) {
            Json facts = {{"epoch", epochs_.at(trial.id)}};
            facts.update(trial.facts());
            epochs.push_back(std::move(facts));
        }
        Json out;
        out["eval_id"] = id();
        out["run_id"] = id();
        out["created"] = started();
        out["task"] = plain_name(run_.view.title());
        out["task_id"] = id();
        out["task_version"] = 0;
        out["task_display_name"] = run_.view.title();
        out["task_args"] = Json::object();
        out["dataset"] = {{"name", run_.view.title()},
                          {"samples", num_samples()},
                          {"sample_ids", dataset_ids()},
                          {"shuffled", false}};
        out["model"] = model_;
        out["model_args"] = {{"path", run_.view.job.model}, {"dtype", run_.manifest.layout.dtype}};
        out["config"] = {{"epochs", run_.trials.size()}, {"epochs_reducer", {"mean"}}, {"log_samples", true}};
        out["packages"] = {{"gatesweep", run_.manifest.version}};
        out["metadata"] = {{"epochs", std::move(epochs)},
                           {"plan_digest", run_.manifest.plan_digest},
                           {"weights_digest", run_.manifest.weights_digest}};
        return out;
    }

    // Prompts that were generated on.
    std::vector<std::string> dataset_ids() const {
        std::vector<std::string> out;
        CsvTable const& prompts = run_.view.table("prompts");
        for (std::size_t row = 0; row < ids_.size(); ++row) {
            if (run_.view.sweep->find("baseline", prompts.text(row, "group"))) out.push_back(ids_[row]);
        }
        return out;
    }
    std::size_t num_samples() const { return dataset_ids().size(); }

    // Rates of the baseline and of the sets that the run's own result names; those of all trials as metadata.
    Json results() const {
        std::int64_t replies = 0, scored = 0;
        Json metrics = Json::object(), trials = Json::array();
        for (ExportedTrial const& trial : run_.trials) {
            for (TrialResult const* result : trial.results) {
                replies += result->num_prompts;
                scored += result->restricted + result->non_restricted;
                Json row = {{"epoch", epochs_.at(trial.id)},
                            {"trial_id", trial.id},
                            {"group", result->group},
                            {"refusal", json_number(result->rate())},
                            {"low", json_number(result->rate_low)},
                            {"high", json_number(result->rate_high)}};
                trials.push_back(std::move(row));
                if (!is_named(trial.id, result->group) || result->num_prompts == 0) continue;
                std::string const name =
                    fmt::format("{}: {}", result->group, result->name.empty() ? trial.id : result->name);
                if (json_number(result->rate()).is_null()) continue;
                metrics[name] = {{"name", name}, {"value", result->rate()}, {"params", Json::object()}};
            }
        }
        Json score = {{"name", "refusal"},        {"scorer", "refusal"},
                      {"scored_samples", scored}, {"unscored_samples", replies - scored},
                      {"params", Json::object()}, {"metrics", std::move(metrics)}};
        return {{"total_samples", replies},
                {"completed_samples", replies},
                {"scores", {std::move(score)}},
                {"metadata", {{"trials", std::move(trials)}}}};
    }

    bool is_named(std::string const& id, std::string const& group) const {
        if (id == "baseline") return true;
        SweepView const& sweep = *run_.view.sweep;
        if (std::ranges::find(sweep.groups, group) == sweep.groups.end()) return false;
        auto const sets = headline_sets(sweep, group);
        return std::ranges::any_of(sets, [&](TrialResult const* set) { return set->id == id; });
    }

    Json usage(StoredCompletion const& c) const {
        std::int64_t const input =
            run_.view.table("prompts").integer(static_cast<std::size_t>(c.prompt_index), "num_tokens");
        std::int64_t const output = std::ssize(c.token_ids);
        return {{"input_tokens", input}, {"output_tokens", output}, {"total_tokens", input + output}};
    }

    static Json scores(ExportedReply const& reply) {
        auto const restricted = [](StoredCompletion const& c) {
            auto const label = parse_label(c.label);
            return label ? is_restricted(*label) : std::nullopt;
        };
        StoredCompletion const& c = reply.reply;
        Json out = {
            {"label", {{"value", c.label}, {"answer", c.text}, {"explanation", "labelled by " + c.label_source}}}};
        auto const now = restricted(c), before = restricted(*reply.baseline);
        if (now) out["refusal"] = {{"value", *now ? 1.0 : 0.0}, {"answer", c.label}};
        if (now && before) out["changed"] = {{"value", *now != *before ? 1.0 : 0.0}, {"answer", c.label}};
        return out;
    }

    Json metadata(ExportedTrial const& trial, ExportedReply const& reply) const {
        StoredCompletion const& c = reply.reply;
        Json out = trial.facts();
        out["group"] = c.group;
        out["prompt_id"] = c.prompt_id;
        out["prompt_index"] = c.prompt_index;
        out["label"] = c.label;
        out["baseline_label"] = reply.baseline->label;
        out["baseline_reply"] = reply.baseline->text;
        for (auto const& [column, value] : run_.metadata[static_cast<std::size_t>(c.prompt_index)])
            out["meta_" + column] = value;
        return out;
    }

    ExportedRun const& run_;
    std::vector<std::string> ids_;
    std::map<std::string, std::size_t> epochs_;
    std::string model_;
};

}  // namespace

void export_inspect(ExportedRun const& run, std::filesystem::path const& out) {
    require_sweep(run, "inspect");
    InspectLog const log(run);
    OutputFile file(out / log.file_name(), OutputFile::Existing::refuse);
    file.append(log.head());
    bool is_first = true;
    for_each_trial(run, [&](ExportedTrial const& trial, std::vector<ExportedReply> const& replies) {
        for (ExportedReply const& reply : replies) {
            file.append(is_first ? "" : ",\n");
            file.append(log.sample(trial, reply));
            is_first = false;
        }
    });
    file.append("\n]}\n");
    file.sync();
    file.close();
}

}  // namespace gatesweep
