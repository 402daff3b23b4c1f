// status, analyze and report on a run, on a damaged one, and on what is none.
#include "app/stored_run_test.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

TEST_F(StoredRun, StatusOfACompleteRunChecksItsFiles) {
    expect(gatesweep({"status", "out"}), ExitCode::ok, {"complete", "1 rank", "3 arrays", "as the run wrote them"});
    replace(out() / "tables" / "trials.csv", "baseline", "Baseline");
    fs::remove(out() / "tables" / "layers.csv");
    expect(gatesweep({"status", "out"}), ExitCode::bad_data,
           {"tables/layers.csv, tables/trials.csv", "copy the folder again"});
}

// What happens with answers that were edited, and with another job beside the results.
TEST_F(StoredRun, CommandsRefuseAnswersAndAJobThatAreNotTheRuns) {
    replace(out() / "completions.jsonl", "full_refusal", "full_compliance");
    for (std::vector<std::string> const& command : {std::vector<std::string>{"status", "out"},
                                                    {"report", "out"},
                                                    {"analyze", "out"},
                                                    {"run", "job.toml", "--out", "out"}})
        expect(gatesweep(command), ExitCode::bad_data,
               {"completions.jsonl is missing or not what the run wrote", "copy the folder again"});
    fs::remove(out() / "completions.jsonl");
    expect(gatesweep({"run", "job.toml", "--out", "out"}, 2), ExitCode::bad_data,
           {"completions.jsonl is missing", "remove COMPLETE"});
    fs::copy(whole() / "completions.jsonl", out() / "completions.jsonl");
    expect(gatesweep({"status", "out"}), ExitCode::ok, {});
    replace(out() / "job.toml", "random = 2", "random = 3");
    for (std::string const command : {"status", "report", "analyze"})
        expect(gatesweep({command, "out"}), ExitCode::bad_data, {"job.toml is missing or not what the run wrote"});
}

// The way back that the message names.
TEST_F(StoredRun, ARunWithoutItsMarkWritesChangedFilesAnew) {
    replace(out() / "tables" / "trials.csv", "baseline", "Baseline");
    fs::remove(out() / "completions.jsonl");
    fs::remove(out() / "COMPLETE");
    expect(gatesweep({"run", "job.toml", "--out", "out"}), ExitCode::ok, {"there already: 180 completions"});
    expect(gatesweep({"status", "out"}), ExitCode::ok, {"as the run wrote them"});
    for (char const* name : {"completions.jsonl", "tables/trials.csv"})
        EXPECT_EQ(read_file(out() / name), read_file(whole() / name)) << name;
}

// A login node's limit on the size of files, at which gnuplot is ended.
TEST_F(StoredRun, ALimitOnTheSizeOfFilesIsNamedAndTheResultsStay) {
    std::string const command = "ulimit -f 16; exec \"$0\" report out";
    ChildResult const result =
        run_child({"bash", "-c", command, GATESWEEP_BINARY}, scene().folder.path(), scene().folder / "output.txt",
                  {{"OMPI_ALLOW_RUN_AS_ROOT", "1"}, {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"}}, 120.0);
    if (result.output.find("gnuplot is not installed") != std::string::npos) GTEST_SKIP() << "gnuplot is not installed";
    expect(result, ExitCode::io, {"limit on the size of files (ulimit -f)"});
    expect(gatesweep({"status", "out"}), ExitCode::ok, {"as the run wrote them"});
    expect(gatesweep({"report", "out"}), ExitCode::ok, {"report.html"});
}

// A full disk cuts pictures without a word of gnuplot's; a killed one says nothing either.
TEST_F(StoredRun, PicturesThatWereNotDrawnAreNamedAndTheResultsStay) {
    fs::create_directories(scene().folder / "bin");
    fs::path const fake = scene().folder / "bin/gnuplot";
    auto const report_with = [&](std::string const& script) {
        write_file_atomically(fake, "#!/bin/sh\n" + script + "\n");
        fs::permissions(fake, fs::perms::owner_all);
        return run_child({GATESWEEP_BINARY, "report", "out"}, scene().folder.path(), scene().folder / "output.txt",
                         {{"OMPI_ALLOW_RUN_AS_ROOT", "1"},
                          {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
                          {"PATH", fake.parent_path().string() + ":" + std::getenv("PATH")}},
                         120.0);
    };
    expect(report_with("for part in svg pdf; do printf '<svg' > figures/$(basename $2 .gp).$part; done"), ExitCode::io,
           {".svg: was not written to its end", "tables and completions are written", "free space"});
    expect(report_with("kill -KILL $$"), ExitCode::io, {"gnuplot was ended by signal 9", "start again"});
    expect(report_with("echo no such terminal >&2; exit 3"), ExitCode::io,
           {"gnuplot ended with exit code 3: no such terminal"});
    expect(gatesweep({"status", "out"}), ExitCode::ok, {"as the run wrote them"});
}

TEST_F(StoredRun, StatusOfAChangedManifestIsNotTrusted) {
    replace(out() / "manifest.json", "\"gatesweep\"", "\"gatesweeP\"");
    expect(gatesweep({"status", "out"}), ExitCode::bad_data, {"manifest.json", "digests cannot be trusted"});
}

TEST_F(StoredRun, StatusOfAnUnfinishedRunSaysWhatIsThere) {
    for (char const* name : {"COMPLETE", "manifest.json", "completions.jsonl"})
        fs::remove(out() / name);
    expect(
        gatesweep({"status", "out"}), ExitCode::stopped,
        {"unfinished", "3 arrays", "job.toml", "committed 180 of 180 completions, 390 of 390 margins, 12 of 12 signals",
         "gatesweep run out/job.toml --out out goes on"});
}

TEST_F(StoredRun, StatusRepeatsWhyAStartCameToNothing) {
    fs::path const model = scene().folder / "damaged";
    std::string const shard = "model-00002-of-00003.safetensors";
    fs::copy(fs::path(GATESWEEP_SOURCE_DIR) / "jobs/demo/model", model);
    fs::resize_file(model / shard, fs::file_size(model / shard) / 2);
    std::vector<std::string> const command = {"run", "job.toml", "--out", "failed", "--set", "model.path=damaged"};
    expect(gatesweep(command), ExitCode::bad_data, {shard});
    expect(gatesweep({"status", "failed"}), ExitCode::stopped, {"unfinished", "starts    1; the last", shard});
    // It stands in nobody's way, and where there is work leaves the manifest alone.
    expect(gatesweep({"run", "job.toml", "--out", "failed", "--set", "sweep.enabled=false"}), ExitCode::ok, {});
    fs::remove(out() / "COMPLETE");
    fs::remove(out() / "manifest.json");
    expect(gatesweep({"run", "job.toml", "--out", "out", "--set", "model.path=damaged"}), ExitCode::bad_data, {shard});
    EXPECT_FALSE(fs::exists(out() / "manifest.json"));
    fs::remove_all(model);
    fs::remove_all(scene().folder / "failed");
}

TEST_F(StoredRun, CommandsRefuseWhatIsNoRun) {
    fs::create_directory(scene().folder / "other");
    scene().folder.write("other/notes.txt", "");
    for (std::string const command : {"status", "report", "analyze"}) {
        expect(gatesweep({command, "nowhere"}), ExitCode::input_missing, {"nowhere", "there is no such folder"});
        expect(gatesweep({command, "other"}), ExitCode::bad_data, {"other", "not the folder of a run"});
        expect(gatesweep({command, "job.toml"}), ExitCode::bad_data, {"job.toml", "not the folder of a run"});
        expect(gatesweep({command}), ExitCode::usage, {"folder is required", "gatesweep " + command + " --help"});
        expect(gatesweep({command, ""}), ExitCode::usage, {"the name is empty", "gatesweep " + command + " --help"});
    }
}

std::vector<fs::path> files_of(fs::path const& folder) {
    std::vector<fs::path> names;
    for (auto const& entry : list_folder(folder))
        names.push_back(entry.filename());
    return names;
}

TEST_F(StoredRun, AnalyzeMakesTheSameTablesAgain) {
    for (auto const& name : files_of(out() / "tables")) {
        bool const of_sweep = name.string().starts_with("trial") || name == "controls.csv" ||
                              name == "transitions.csv" || name == "screen.csv";
        bool const measured = name == "prompts.csv" || name == "near_ties.csv";
        if (!of_sweep && !measured) fs::remove(out() / "tables" / name);
    }
    fs::remove(out() / "report.html");
    expect(gatesweep({"analyze", "out"}), ExitCode::ok, {"analysis  activation: ", "marked", "refusal 100 % -> "});
    EXPECT_EQ(files_of(out() / "tables"), files_of(whole() / "tables"));
    for (auto const& name : files_of(whole() / "tables"))
        EXPECT_EQ(read_file(out() / "tables" / name), read_file(whole() / "tables" / name)) << name;
    EXPECT_TRUE(fs::exists(out() / "report.html"));
    EXPECT_NE(read_file(out() / "manifest.json").find("analysed again by"), std::string::npos);
    expect(gatesweep({"status", "out"}), ExitCode::ok, {"as the run wrote them"});
    expect(gatesweep({"run", "job.toml", "--out", "out"}), ExitCode::ok, {"nothing to do"});
}

TEST_F(StoredRun, AnalyzeNeedsNoModelNoPromptsAndNoListOfMarks) {
    std::string const elsewhere = "/another/machine/";
    replace(out() / "job.toml", std::string(GATESWEEP_SOURCE_DIR) + "/jobs", elsewhere);
    replace(out() / "job.toml", std::string(GATESWEEP_SOURCE_DIR) + "/prompts", elsewhere);
    fs::rename(scene().folder / "marks.csv", scene().folder / "gone.csv");
    fs::remove(out() / "tables" / "layers.csv");
    expect(gatesweep({"analyze", "out"}), ExitCode::ok, {"marked"});
    for (char const* name : {"marked_experts.csv", "layers.csv"})
        EXPECT_EQ(read_file(out() / "tables" / name), read_file(whole() / "tables" / name)) << name;
    fs::remove(out() / "tables" / "marked_experts.csv");
    expect(gatesweep({"analyze", "out"}), ExitCode::input_missing,
           {"marks.csv", "marked_experts.csv", "put one of them back"});
    fs::rename(scene().folder / "gone.csv", scene().folder / "marks.csv");
}

TEST_F(StoredRun, AnalyzeRefusesMeasurementsThatWereChanged) {
    std::string array = read_file(out() / "arrays" / "gradient_scores.npy");
    array.back() = static_cast<char>(array.back() ^ 1);
    write_file_atomically(out() / "arrays" / "gradient_scores.npy", array);
    expect(gatesweep({"analyze", "out"}), ExitCode::bad_data,
           {"arrays/gradient_scores.npy is missing or not what the run wrote"});
    EXPECT_TRUE(fs::exists(out() / "COMPLETE")) << "the folder is as it was";
    fs::remove(out() / "tables" / "prompts.csv");
    expect(gatesweep({"analyze", "out"}), ExitCode::input_missing, {"prompts.csv"});
    fs::copy(whole() / "tables" / "prompts.csv", out() / "tables" / "prompts.csv");
    write_file_atomically(out() / "arrays" / "gradient_scores.npy", array.substr(0, array.size() / 2));
    expect(gatesweep({"analyze", "out"}), ExitCode::bad_data, {"gradient_scores.npy"});
}

TEST_F(StoredRun, AnalyzeEndsWhatAKilledOneBegan) {
    fs::remove(out() / "COMPLETE");
    fs::remove(out() / "tables" / "layers.csv");
    expect(gatesweep({"analyze", "out"}), ExitCode::ok, {});
    expect(gatesweep({"status", "out"}), ExitCode::ok, {"complete"});
}

TEST_F(StoredRun, AnalyzeOfAnUnfinishedRunLeavesItUnfinished) {
    for (char const* name : {"COMPLETE", "manifest.json", "report.html", "tables/trials.csv"})
        fs::remove(out() / name);
    for (char const* name : {"trial_cells", "controls", "transitions"})
        fs::remove(out() / "tables" / (std::string(name) + ".csv"));
    expect(gatesweep({"analyze", "out"}), ExitCode::ok, {"analysis"});
    EXPECT_FALSE(fs::exists(out() / "COMPLETE"));
    EXPECT_TRUE(fs::exists(out() / "report.html"));
    expect(gatesweep({"status", "out"}), ExitCode::stopped, {});
}

TEST_F(StoredRun, ReportDrawsAgainWithoutTouchingTheRest) {
    fs::remove_all(out() / "figures");
    fs::create_directory(out() / "figures");
    fs::remove(out() / "report.html");
    std::string const manifest = read_file(out() / "manifest.json");
    expect(gatesweep({"report", "out"}), ExitCode::ok, {"analysis  activation: ", "refusal 100 % -> ", "random sets"});
    EXPECT_EQ(files_of(out() / "figures"), files_of(whole() / "figures"));
    EXPECT_EQ(read_file(out() / "manifest.json"), manifest);
    expect(gatesweep({"status", "out"}), ExitCode::ok, {});
    for (char const* name : {"COMPLETE", "manifest.json"})
        fs::remove(out() / name);
    expect(gatesweep({"report", "out"}), ExitCode::ok, {"analysis  activation: "});
}

TEST_F(StoredRun, ReportNamesTheTableThatIsDamaged) {
    replace(out() / "tables" / "classes_activation.csv", "safety_gap", "gap");
    expect(gatesweep({"report", "out"}), ExitCode::bad_data,
           {"tables/classes_activation.csv is missing or not what", "gatesweep analyze"});
    fs::remove(out() / "COMPLETE");
    expect(gatesweep({"report", "out"}), ExitCode::bad_data, {"classes_activation.csv", "safety_gap"});
    fs::remove(out() / "tables" / "classes_activation.csv");
    expect(gatesweep({"report", "out"}), ExitCode::input_missing, {"classes_activation.csv"});
}

}  // namespace
}  // namespace gatesweep
