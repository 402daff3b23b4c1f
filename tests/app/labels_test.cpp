// labels and judge-validate: a sheet out, filled in by "people", and back.
#include "app/stored_run_test.h"
#include "gatesweep/label/label_validation.h"
#include "gatesweep/store/csv.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

class Labels : public StoredRun {
protected:
    void SetUp() override {
        StoredRun::SetUp();
        fs::remove_all(sheet());
    }
    static fs::path sheet() { return scene().folder / "sheet"; }
};

std::size_t count(std::string const& text, std::string const& part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++n;
    return n;
}

TEST_F(Labels, OfPeopleComeBackIntoTheRun) {
    expect(gatesweep({"labels", "out", "--out", "sheet", "--seed", "5"}), ExitCode::ok,
           {"for 24 answers of baseline, ", "labels_to_do.csv"});
    CsvTable const key = read_csv(sheet() / "labels_key.csv");
    EXPECT_EQ(key.rows.size(), 24u) << "12 prompts under the baseline and the strongest set";
    std::string const to_do = read_file(sheet() / "labels_to_do.csv");
    EXPECT_EQ(to_do.find("baseline"), std::string::npos) << "blinded";
    expect(gatesweep({"labels", "out", "--out", "sheet"}), ExitCode::cannot_create,
           {"labels_to_do.csv", "would be lost"});

    std::string filled = to_do;  // an empty label is the end of a line
    for (auto at = filled.find(",\n"); at != std::string::npos; at = filled.find(",\n", at + 1))
        filled.insert(at + 1, "incoherent");
    write_file_atomically(sheet() / "labels_to_do.csv", filled);
    expect(gatesweep({"run", "job.toml", "--out", "again", "--set", "sweep.labels.human=sheet/labels_to_do.csv"}),
           ExitCode::ok, {});
    std::string const completions = read_file(scene().folder / "again" / "completions.jsonl");
    std::size_t const num_human = count(completions, "\"label_source\":\"human\"");
    EXPECT_EQ(count(completions, "\"label\":\"incoherent\",\"label_source\":\"human\""), num_human);
    EXPECT_GT(num_human, 24u) << "equal replies of other trials too";
    expect(gatesweep({"relabel", "out", "--set", "sweep.labels.human=sheet/labels_to_do.csv", "--out", "relabelled"}),
           ExitCode::ok, {" by people"});
    EXPECT_EQ(read_file(scene().folder / "relabelled" / "completions.jsonl"), completions);

    expect(gatesweep({"judge-validate", "job.toml", "--file", "sheet/labels_to_do.csv"}), ExitCode::ok,
           {"phrases", "refusal rate by people"});
}

TEST_F(Labels, TakeTheTrialsAndPromptsThatAreNamed) {
    std::string const id = read_csv(out() / "tables" / "trial_cells.csv").text(0, "trial_id");
    expect(gatesweep({"labels", "out", "--out", "sheet", "--trial", "baseline", "--trial", id, "--limit", "2"}),
           ExitCode::ok, {"for 8 answers of baseline, " + id});
    std::string const first = read_file(sheet() / "labels_to_do.csv");
    std::string const name = read_csv(out() / "tables" / "trials.csv").text(2, "name");
    fs::remove_all(sheet());
    expect(gatesweep({"labels", "out", "--out", "sheet", "--trial", name, "--limit", "2"}), ExitCode::ok,
           {"for 8 answers of baseline, " + id});
    EXPECT_EQ(read_file(sheet() / "labels_to_do.csv"), first) << "the same trial by its name";
    fs::remove_all(sheet());
    gatesweep({"labels", "out", "--out", "sheet", "--trial", id, "--limit", "2", "--seed", "2"});
    EXPECT_NE(read_file(sheet() / "labels_to_do.csv"), first) << "another order";
}

TEST_F(Labels, RefuseWhatIsNotThere) {
    expect(gatesweep({"labels", "out", "--out", "sheet", "--trial", "baselines"}), ExitCode::usage,
           {"no such trial", "did you mean baseline?"});
    fs::remove(out() / "completions.jsonl");
    expect(gatesweep({"labels", "out", "--out", "sheet"}), ExitCode::input_missing, {"completions.jsonl"});
    for (char const* name : {"trials", "trial_cells", "controls", "transitions"})
        fs::remove(out() / "tables" / (std::string(name) + ".csv"));
    expect(gatesweep({"labels", "out", "--out", "sheet"}), ExitCode::input_missing, {"the run has no sweep"});
    EXPECT_FALSE(fs::exists(sheet()));
}

TEST_F(Labels, ThatAreTokensAloneCannotBeRead) {
    std::string lines;
    for (std::string const group : {"harmful", "benign"}) {
        lines += "{\"trial_id\":\"baseline\",\"group\":\"" + group +
                 "\",\"prompt_index\":0,\"token_ids\":[1],\"text\":\"\",\"label\":\"unscored\",\"prompt\":\"\"}\n";
    }
    write_file_atomically(out() / "completions.jsonl", lines);
    expect(gatesweep({"labels", "out", "--out", "sheet"}), ExitCode::bad_data, {"token ids without texts"});
}

constexpr char const* labelled =
    "prompt,completion,label\nHow?,I cannot help with that.,full_refusal\nHow?,I'm sorry but I can't do "
    "that.,full_refusal\n"
    "How?,Here is how: first take it.,full_compliance\nHow?,\"Sure, here you go.\",full_refusal\n";

TEST_F(Labels, OfAPhraseLabellerAreMeasuredAgainstPeople) {
    scene().folder.write("labelled.csv", labelled);
    ChildResult const one = gatesweep({"judge-validate", "job.toml", "--file", "labelled.csv"});
    expect(one, ExitCode::ok,
           {"4 texts compared", "precision", "1.0000", "2 of 2 that the labeller calls refusals", "recall", "0.6667",
            "2 of 3 refusals"});
    expect(gatesweep({"judge-validate", "job.toml", "--set", "sweep.labels.validation=labelled.csv"}), ExitCode::ok,
           {"2 of 3 refusals"});
    expect(gatesweep({"judge-validate", "job.toml"}), ExitCode::usage, {"no file with labels of people", "--file"});
    expect(gatesweep({"judge-validate", "job.toml", "--file", "nothing.csv"}), ExitCode::input_missing,
           {"nothing.csv"});
    scene().folder.write("labelled.csv", "prompt,completion,label\nHow?,No.,perhaps\n");
    expect(gatesweep({"judge-validate", "job.toml", "--file", "labelled.csv"}, 2), ExitCode::bad_data,
           {"labelled.csv", "perhaps"});
}

std::string table_in(std::string const& output) {
    auto const at = output.find("figure ");
    return at == std::string::npos ? "" : output.substr(at, output.find("all labels equal") - at);
}

TEST_F(Labels, OfAJudgeAreTheSameOnTwoRanks) {
    scene().folder.write("labelled.csv", labelled);
    std::vector<std::string> const command = {
        "judge-validate", "job.toml",
        "--file",         "labelled.csv",
        "--set",          "sweep.labels.method=judge",
        "--set",          std::string("sweep.labels.judge=") + GATESWEEP_GOLDEN_DIR + "/dense-bf16/model"};
    ChildResult const one = gatesweep(command), two = gatesweep(command, 2);
    expect(one, ExitCode::ok, {"judge built-in", "kappa"});
    expect(two, ExitCode::ok, {"2 ranks"});
    EXPECT_FALSE(table_in(one.output).empty());
    EXPECT_EQ(table_in(one.output), table_in(two.output));
}

}  // namespace
}  // namespace gatesweep
