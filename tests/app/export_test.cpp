// export: every format by its documented form, and opened by its own reader where that is installed.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "app/stored_run_test.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/store/npy.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Export : public StoredRun {
protected:
    void SetUp() override {
        StoredRun::SetUp();
        fs::remove_all(exported());
    }
    static fs::path exported() { return scene().folder / "exported"; }
    static ChildResult export_as(std::string const& format, std::vector<std::string> const& more = {}) {
        std::vector<std::string> arguments = {"export", "out", "--format", format, "--out", "exported"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return gatesweep(arguments);
    }
    static std::vector<json> lines_of(fs::path const& file) {
        std::vector<json> lines;
        std::istringstream text(read_file(file));
        for (std::string line; std::getline(text, line);)
            lines.push_back(json::parse(line));
        return lines;
    }
    static fs::path only_file(std::string const& begin) {
        fs::path found;
        for (auto const& entry : fs::directory_iterator(exported())) {
            if (entry.path().filename().string().starts_with(begin)) found = entry.path();
        }
        return found;
    }
    // Output of a Python script; nothing where what it needs is not installed.
    static std::optional<std::string> python(std::string const& script, std::vector<std::string> const& arguments) {
        char const* const named = std::getenv("GATESWEEP_PYTHON");
        std::vector<std::string> command = {named ? named : "python3",
                                            std::string(GATESWEEP_SOURCE_DIR) + "/tests/" + script};
        command.insert(command.end(), arguments.begin(), arguments.end());
        ChildResult const result = run_child(command, scene().folder.path(), scene().folder / "python.txt", {}, 240.0);
        if (result.exit_code == 77 || result.exit_code == 127) return std::nullopt;
        EXPECT_EQ(result.exit_code, 0) << result.output;
        return result.output;
    }
};

TEST_F(Export, LmEvalHasATaskForEachTrialAndGroup) {
    expect(export_as("lm-eval"), ExitCode::ok, {"exported", "lm-eval"});
    json const results = json::parse(read_file(only_file("results_")));
    CsvTable const trials = read_csv(out() / "tables/trials.csv");
    EXPECT_EQ(results["results"].size(), trials.rows.size());
    std::size_t num_samples = 0;
    for (std::size_t row = 0; row < trials.rows.size(); ++row) {
        std::string const task = "gatesweep_" + trials.text(row, "trial_id") + "_" + trials.text(row, "group");
        double const restricted = trials.number(row, "restricted");
        EXPECT_DOUBLE_EQ(results["results"][task]["refusal,none"].get<double>(),
                         restricted / (restricted + trials.number(row, "non_restricted")))
            << task;
        EXPECT_EQ(results["higher_is_better"][task]["refusal"], trials.text(row, "group") == "harmful");
        auto const samples = lines_of(only_file("samples_" + task + "_"));
        num_samples += samples.size();
        double sum = 0;
        for (json const& sample : samples)
            sum += sample["refusal"].get<double>();
        EXPECT_EQ(sum, restricted) << task;
    }
    EXPECT_EQ(num_samples, lines_of(out() / "completions.jsonl").size());
    auto const read = python("app/export_readers.py", {"lm-eval", exported().string()});
    if (!read) GTEST_SKIP() << "lm_eval is not installed";
    EXPECT_NE(read->find("\"samples\": " + std::to_string(num_samples)), std::string::npos) << *read;
}

TEST_F(Export, InspectHasASampleForEachPromptAndAnEpochForEachTrial) {
    expect(export_as("inspect"), ExitCode::ok, {"inspect"});
    auto const replies = lines_of(out() / "completions.jsonl");
    fs::path file;
    for (auto const& entry : fs::directory_iterator(exported()))
        file = entry.path();
    EXPECT_EQ(file.extension(), ".json");
    json const log = json::parse(read_file(file));
    EXPECT_EQ(log["samples"].size(), replies.size());
    for (std::size_t i = 0; i < replies.size(); ++i) {
        EXPECT_EQ(log["samples"][i]["output"]["completion"], replies[i]["text"]);
        EXPECT_EQ(log["samples"][i]["metadata"]["trial_id"], replies[i]["trial_id"]);
    }
    EXPECT_EQ(log["samples"][0]["epoch"], 1);
    EXPECT_EQ(log["eval"]["metadata"]["epochs"][0]["trial_id"], "baseline");
    EXPECT_TRUE(log["results"]["scores"][0]["metrics"].contains("harmful: baseline"));
    auto const read = python("app/export_readers.py", {"inspect", exported().string()});
    if (!read) GTEST_SKIP() << "inspect_ai is not installed";
    EXPECT_NE(read->find("\"samples\": " + std::to_string(replies.size())), std::string::npos) << *read;
}

TEST_F(Export, OnlyTheTrialsThatAreNamed) {
    std::string const id = read_csv(out() / "tables/trial_cells.csv").text(0, "trial_id");
    expect(export_as("inspect", {"--trial", id}), ExitCode::ok, {});
    fs::path file;
    for (auto const& entry : fs::directory_iterator(exported()))
        file = entry.path();
    json const log = json::parse(read_file(file));
    EXPECT_EQ(log["eval"]["config"]["epochs"], 2);
    EXPECT_EQ(log["samples"].size(), 24u) << "12 prompts, baseline and one trial";
    fs::remove_all(exported());
    expect(export_as("lm-eval", {"--trial", "baselines"}), ExitCode::usage,
           {"no such trial", "did you mean baseline?"});
    expect(export_as("megatron", {"--trial", id}), ExitCode::usage, {"lm-eval and inspect alone"});
}

TEST_F(Export, MegatronsTraceHasTheCountsOfEveryPromptAndLayer) {
    expect(export_as("megatron"), ExitCode::ok, {"warning", "not which token did"});
    auto const counts = read_npy<std::int64_t>(out() / "arrays/activation_counts.npy");
    auto const records = lines_of(exported() / "router_trace_rank0.jsonl");
    ASSERT_EQ(static_cast<std::int64_t>(records.size()), counts.shape[0] * counts.shape[1]);
    for (json const& record : records) {
        std::int64_t const p = record["step"], l = record["layer"];
        EXPECT_EQ(record["top_indices"].size(), record["num_tokens"].get<std::size_t>());
        std::vector<std::int64_t> sums(static_cast<std::size_t>(counts.shape[2]));
        for (json const& token : record["top_indices"]) {
            ASSERT_EQ(token.size(), record["topk"].get<std::size_t>());
            EXPECT_LT(token[0].get<int>(), token[1].get<int>()) << "two different experts";
            for (json const& expert : token)
                ++sums[expert.get<std::size_t>()];
        }
        for (std::int64_t e = 0; e < counts.shape[2]; ++e)
            EXPECT_EQ(sums[static_cast<std::size_t>(e)], counts.at(p, l, e)) << p << ' ' << l << ' ' << e;
    }
    EXPECT_EQ(read_csv(exported() / "steps.csv").rows.size(), 12u);
}

TEST_F(Export, SafexHasTheMatricesOfEveryPromptAndGroup) {
    expect(export_as("safex"), ExitCode::ok, {"gate-mass", "[signals] phases"});
    auto const counts = read_npy<std::int64_t>(out() / "arrays/activation_counts.npy");
    auto const objects = lines_of(exported() / "moe_trace.jsonl");
    ASSERT_EQ(static_cast<std::int64_t>(objects.size()), counts.shape[0]);
    std::int64_t sum = 0;
    for (std::size_t p = 0; p < objects.size(); ++p) {
        EXPECT_EQ(objects[p]["num_layers"], counts.shape[1]);
        EXPECT_EQ(objects[p]["num_experts"], counts.shape[2]);
        EXPECT_EQ(objects[p]["top_k"], 2);
        EXPECT_TRUE(objects[p]["output_expert_usage"].is_null()) << "not counted is not 0";
        EXPECT_FALSE(objects[p]["output_text"].get<std::string>().empty());
        EXPECT_EQ(objects[p]["input_expert_usage"][7][3], counts.at(static_cast<std::int64_t>(p), 7, 3));
        if (objects[p]["group"] == "harmful") sum += objects[p]["input_expert_usage"][2][5].get<std::int64_t>();
    }
    EXPECT_EQ(json::parse(read_file(exported() / "moe_trace_harmful.json"))["input_expert_usage"][2][5], sum);
}

TEST_F(Export, ColumnsHaveTypesAndTheLoaderHasTheSame) {
    expect(export_as("parquet-ready"), ExitCode::ok, {});
    json const schema = json::parse(read_file(exported() / "schema.json"));
    for (auto const& entry : fs::directory_iterator(out() / "tables")) {
        std::string const stem = entry.path().stem().string();
        EXPECT_TRUE(schema["tables"].contains(stem)) << stem;
        EXPECT_EQ(read_file(exported() / "tables" / entry.path().filename()), read_file(entry.path()));
    }
    EXPECT_EQ(schema["arrays"]["activation_counts"]["axes"], json({"prompt", "moe_layer", "expert"}));
    EXPECT_EQ(read_csv(exported() / "completions.csv").rows.size(), 180u);
    auto const read = python("results/loader_test.py",
                             {std::string(GATESWEEP_SOURCE_DIR) + "/results", out().string(), exported().string()});
    if (!read) GTEST_SKIP() << "pandas is not installed";
}

// What scripts read: a JSON object a line, from the first message to the last error.
TEST_F(Export, EventsAreJsonLines) {
    auto const events_of = [&](std::vector<std::string> const& arguments, ExitCode code) {
        ChildResult const result = gatesweep(arguments);
        EXPECT_EQ(result.exit_code, static_cast<int>(code)) << result.output;
        std::vector<json> events;
        std::istringstream text(result.output);
        for (std::string line; std::getline(text, line);)
            events.push_back(json::parse(line));
        return events;
    };
    fs::remove_all(scene().folder / "again");
    auto const run =
        events_of({"--json", "run", "job.toml", "--out", "again", "--set", "sweep.enabled=false"}, ExitCode::ok);
    auto const has = [&](std::vector<json> const& events, std::string const& event, std::string const& topic) {
        return std::ranges::any_of(events, [&](json const& e) { return e["event"] == event && e["topic"] == topic; });
    };
    EXPECT_TRUE(has(run, "message", "model"));
    EXPECT_TRUE(has(run, "progress", "signals"));
    EXPECT_TRUE(has(run, "message", "report"));
    auto const exported_as =
        events_of({"export", "out", "--format", "megatron", "--out", "exported", "--json"}, ExitCode::ok);
    ASSERT_EQ(exported_as.size(), 2u);
    EXPECT_EQ(exported_as[0]["event"], "warning");
    auto const refused = events_of({"--json", "report", "nowhere"}, ExitCode::input_missing);
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_EQ(refused[0]["event"], "error");
    EXPECT_NE(refused[0]["text"].get<std::string>().find("no such folder"), std::string::npos);
    expect(gatesweep({"--json", "plan", "job.toml"}), ExitCode::usage, {"--json", "leave --json out"});
}

TEST_F(Export, RefusesWhatItCannotTellRight) {
    expect(export_as("csv"), ExitCode::usage, {"--format", "lm-eval"});
    fs::create_directory(exported());
    write_file_atomically(exported() / "old.json", "{}");
    expect(export_as("inspect"), ExitCode::cannot_create, {"exported", "choose another --out"});
    fs::remove_all(exported());
    replace(out() / "completions.jsonl", "full_refusal", "full_compliance");
    expect(export_as("inspect"), ExitCode::bad_data, {"completions.jsonl", "not what the run wrote"});
    fs::remove(out() / "COMPLETE");
    expect(export_as("inspect"), ExitCode::bad_data, {"not complete", "run its job again"});
    expect(gatesweep({"export", "nowhere", "--format", "safex", "--out", "exported"}), ExitCode::input_missing,
           {"there is no such folder"});
    EXPECT_FALSE(fs::exists(exported()));
}

}  // namespace
}  // namespace gatesweep
