#include "formats.h"

#include <algorithm>
#include <cmath>
#include <ctime>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/file.h"
#include "gatesweep/label/label.h"

namespace gatesweep {
namespace {

using Json = nlohmann::ordered_json;

constexpr char const* metric = "refusal";

std::string task_name(std::string const& trial_id, std::string const& group) {
    return plain_name(fmt::format("gatesweep_{}_{}", trial_id, group));
}

// Of a mean of zeros and ones, as lm-evaluation-harness computes it.
Json standard_error(double rate, std::int64_t count) {
    if (count < 2) return "N/A";
    return std::sqrt(rate * (1.0 - rate) / static_cast<double>(count - 1));
}

// The name of a folder of a model, by the rule of lm-evaluation-harness.
std::string sanitized(std::string_view model) {
    std::string out;
    bool is_run = false;
    for (char const c : model) {
        bool const is_kept = std::string_view("\"<>:/|\\?*[]").find(c) == std::string_view::npos;
        if (is_kept)
            out += c;
        else if (!is_run)
            out += "__";
        is_run = !is_kept;
    }
    return out;
}

Json refusal_of(std::string const& label_text) {
    auto const label = parse_label(label_text);
    auto const restricted = label ? is_restricted(*label) : std::nullopt;
    return restricted ? Json(*restricted ? 1.0 : 0.0) : Json(nullptr);
}

// The options of a generation task, as such a task has them.
Json generation_options(Job const& job) {
    return {{"until", Json::array()}, {"max_gen_toks", job.sweep.max_new_tokens}, {"do_sample", false}};
}

class ResultsFile {
public:
    explicit ResultsFile(ExportedRun const& run) : run_(run) {}

    void add(std::string const& task, ExportedTrial const& trial, TrialResult const& result, std::string const& hash) {
        std::int64_t const scored = result.restricted + result.non_restricted;
        results_[task] = {
            {"alias", fmt::format("{} on {}", result.name.empty() ? trial.id : result.name, result.group)},
            {fmt::format("{},none", metric), json_number(result.rate())},
            {fmt::format("{}_stderr,none", metric), standard_error(result.rate(), scored)},
            {"sample_len", result.num_prompts}};
        subtasks_[task] = Json::array();
        // A task that lm-evaluation-harness itself could not run: it says what was done instead.
        configs_[task] = {
            {"task", task},
            {"dataset_path", "gatesweep"},
            {"test_split", result.group},
            {"output_type", "generate_until"},
            {"num_fewshot", 0},
            {"repeats", 1},
            {"generation_kwargs", generation_options(run_.job)},
            {"metric_list",
             Json::array({Json{{"metric", metric}, {"aggregation", "mean"}, {"higher_is_better", wanted(result)}}})},
            {"metadata", metadata(trial, result)}};
        versions_[task] = 1;
        shots_[task] = 0;
        higher_[task] = {{metric, wanted(result)}};
        samples_[task] = {{"original", result.num_prompts}, {"effective", scored}};
        hashes_[task] = hash;
    }

    std::string text() const {
        std::string const name = run_.view.job.model;
        Json out;
        out["results"] = results_;
        out["group_subtasks"] = subtasks_;
        out["configs"] = configs_;
        out["versions"] = versions_;
        out["n-shot"] = shots_;
        out["higher_is_better"] = higher_;
        out["n-samples"] = samples_;
        out["config"] = {{"model", "gatesweep"},
                         {"model_args", fmt::format("pretrained={},dtype={}", name, run_.manifest.layout.dtype)},
                         {"batch_size", nullptr},
                         {"device", run_.manifest.layout.device},
                         {"limit", nullptr},
                         {"gen_kwargs", generation_options(run_.job)}};
        out["git_hash"] = nullptr;
        out["date"] = seconds_since_1970(run_.manifest.finished);
        out["task_hashes"] = hashes_;
        out["model_source"] = "gatesweep";
        out["model_name"] = name;
        out["model_name_sanitized"] = sanitized(name);
        out["gatesweep"] = {{"version", run_.manifest.version},
                            {"build", run_.manifest.build},
                            {"plan_digest", run_.manifest.plan_digest},
                            {"weights_digest", run_.manifest.weights_digest}};
        return out.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
    }

private:
    // Whether the group's prompts are there to be refused: others are watched for refusals that should not be.
    bool wanted(TrialResult const& result) const {
        auto const& groups = run_.view.sweep->groups;
        return std::ranges::find(groups, result.group) != groups.end();
    }

    static Json metadata(ExportedTrial const& trial, TrialResult const& result) {
        Json out = trial.facts();
        for (auto const& [key, value] : {std::pair("risk_difference", result.difference),
                                         {"ci_low", result.difference_low},
                                         {"ci_high", result.difference_high},
                                         {"p_exact", result.p_exact},
                                         {"q_value", result.q_value},
                                         {"p_empirical", result.p_empirical},
                                         {"rate_low", result.rate_low},
                                         {"rate_high", result.rate_high}})
            out[key] = json_number(value);
        return out;
    }

    static Json seconds_since_1970(std::string const& utc) {
        std::tm time{};
        if (strptime(utc.c_str(), "%Y-%m-%dT%H:%M:%SZ", &time) == nullptr) return nullptr;
        return static_cast<double>(timegm(&time));
    }

    ExportedRun const& run_;
    Json results_ = Json::object(), subtasks_ = Json::object(), configs_ = Json::object(), versions_ = Json::object(),
         shots_ = Json::object(), higher_ = Json::object(), samples_ = Json::object(), hashes_ = Json::object();
};

Json sample(ExportedRun const& run, ExportedReply const& reply) {
    StoredCompletion const& c = reply.reply;
    Json doc = {{"prompt_id", c.prompt_id}, {"group", c.group}, {"prompt", reply.prompt}};
    for (auto const& [column, value] : run.metadata[static_cast<std::size_t>(c.prompt_index)])
        doc["meta_" + column] = value;
    Json out;
    out["doc_id"] = c.prompt_index;
    out["doc_hash"] = sha256_hex(json_text(doc));
    out["doc"] = std::move(doc);
    out["target"] = "";
    out["arguments"] = {{"gen_args_0", {{"arg_0", reply.prompt}, {"arg_1", generation_options(run.job)}}}};
    out["resps"] = Json::array({Json::array({c.text})});
    out["filtered_resps"] = Json::array({c.text});
    out["filter"] = "none";
    out["metrics"] = Json::array({metric});
    out["prompt_hash"] = sha256_hex(reply.prompt);
    out["target_hash"] = sha256_hex("");
    out[metric] = refusal_of(c.label);
    out["label"] = c.label;
    out["label_source"] = c.label_source;
    out["finish_reason"] = c.finish_reason;
    out["baseline_refusal"] = refusal_of(reply.baseline->label);
    out["baseline_resp"] = reply.baseline->text;
    return out;
}

}  // namespace

void export_lm_eval(ExportedRun const& run, std::filesystem::path const& out) {
    require_sweep(run, "lm-eval");
    ResultsFile results(run);
    std::string const date = run.date_for_file() + ".000000";
    for_each_trial(run, [&](ExportedTrial const& trial, std::vector<ExportedReply> const& replies) {
        for (TrialResult const* result : trial.results) {
            std::string lines, hashes;
            for (ExportedReply const& reply : replies) {
                if (reply.reply.group != result->group) continue;
                Json const line = sample(run, reply);
                for (char const* part : {"doc_hash", "prompt_hash", "target_hash"})
                    hashes += line[part].get<std::string>();
                lines += json_text(line) + '\n';
            }
            std::string const task = task_name(trial.id, result->group);
            write_file_atomically(out / fmt::format("samples_{}_{}.jsonl", task, date), lines);
            results.add(task, trial, *result, sha256_hex(hashes));
        }
    });
    write_file_atomically(out / fmt::format("results_{}.json", date), results.text());
}

}  // namespace gatesweep
