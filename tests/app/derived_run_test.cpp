// Another look at a run without its model: analyze with other limits, relabel.
#include <algorithm>

#include "app/stored_run_test.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/store/manifest.h"
#include "support/demo_job.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

class DerivedRun : public StoredRun {
protected:
    static std::string digest_of(std::string const& name) { return digests_of(out()).at(name); }

    // What people say of the baseline's replies.
    static void write_people(std::string const& label, std::size_t num_prompts) {
        CsvTable const prompts = read_csv(out() / "tables" / "prompts.csv");
        std::string text = "trial_id,group,prompt_index,label\n";
        for (std::size_t row = 0; row < num_prompts; ++row)
            text +=
                "baseline," + prompts.text(row, "group") + "," + prompts.text(row, "prompt_index") + "," + label + "\n";
        scene().folder.write("people.csv", text);
    }
};

// A folder that is not there yet.
fs::path at(Scene const& scene, std::string const& name) {
    fs::remove_all(scene.folder / name);
    return scene.folder / name;
}

TEST_F(DerivedRun, OtherLimitsGiveTheTablesOfARunWithThem) {
    fs::path const target = at(scene(), "new"), fresh = at(scene(), "fresh");
    std::vector<std::string> const limits = {
        "--set", "analysis.activation.gap=0.02", "--set", "analysis.coverage=[0.5, 0.9]", "--set", "analysis.top=7"};
    std::vector<std::string> analyze = {"analyze", "out", "--out", "new"}, run = {"run", "job.toml", "--out", "fresh"};
    for (auto* command : {&analyze, &run})
        command->insert(command->end(), limits.begin(), limits.end());
    expect(gatesweep(analyze), ExitCode::ok,
           {"changed   analysis.activation: was { gap = 0.05, min = 0.08 }, is { gap = 0.02",
            "analysis.top: was 10, is 7", "sets of the sweep were chosen with the run's own values"});
    expect(gatesweep(run), ExitCode::ok, {});
    auto const derived = digests_of(target), with_limits = digests_of(fresh);
    for (auto const* name : {"classes_activation.csv", "classes_gradient.csv", "class_counts.csv", "coverage.csv",
                             "overlap.csv", "top_experts.csv", "threshold_sensitivity.csv", "layers.csv",
                             "marked_experts.csv", "prompts.csv", "activation_counts.npy"})
        EXPECT_EQ(derived.at(name), with_limits.at(name)) << name;
    EXPECT_NE(derived.at("class_counts.csv"), digests_of(out()).at("class_counts.csv"));
    for (auto const* name : {"trials.csv", "completions.jsonl", "screen.csv"})
        EXPECT_EQ(derived.at(name), digests_of(out()).at(name)) << name;

    Manifest const manifest = read_manifest(target);
    ASSERT_TRUE(manifest.origin);
    EXPECT_EQ(manifest.origin->command, "analyze");
    EXPECT_EQ(manifest.origin->manifest, sha256_hex_of_file(out() / "manifest.json"));
    EXPECT_EQ(manifest.origin->folder, fs::absolute(out()).lexically_normal().string());
    EXPECT_EQ(manifest.origin->changes.size(), 3u);
    EXPECT_NE(read_file(target / "report.html").find("Made anew, without the model"), std::string::npos);
    EXPECT_EQ(digests_of(out()), digests_of(whole())) << "the run stays as it was";
    expect(gatesweep({"status", "new"}), ExitCode::ok, {"as the run wrote them"});
    expect(gatesweep({"report", "new"}), ExitCode::ok, {"result"});
    expect(gatesweep({"run", "new/job.toml", "--out", "new"}), ExitCode::cannot_create,
           {"was made by gatesweep analyze of", "choose another"});
}

TEST_F(DerivedRun, TheRolesOfGroupsCanBeExchanged) {
    at(scene(), "new");
    expect(gatesweep({"analyze", "out", "--out", "new", "--set", "analysis.benign=harmful", "--set",
                      "analysis.malicious=benign"}),
           ExitCode::ok, {});
    CsvTable const before = read_csv(out() / "tables" / "classes_activation.csv"),
                   after = read_csv(scene().folder / "new/tables/classes_activation.csv");
    for (std::size_t row = 0; row < before.rows.size(); ++row)
        EXPECT_EQ(after.text(row, "malicious_avg_score"), before.text(row, "benign_avg_score"));
}

TEST_F(DerivedRun, NothingIsReplacedUnlessItIsAskedFor) {
    auto const before = digests_of(out());
    expect(gatesweep({"analyze", "out", "--set", "analysis.top=7"}), ExitCode::usage,
           {"would replace results", "analysis.top: was 10, is 7", "--in-place"});
    expect(gatesweep({"relabel", "out"}), ExitCode::usage, {"would replace results", "--out", "--in-place"});
    expect(gatesweep({"analyze", "out", "--set", "analysis.top=7", "--out", "out"}), ExitCode::usage,
           {"is the folder of the run"});
    expect(gatesweep({"analyze", "out", "--set", "analysis.top=7", "--out", "new", "--in-place"}), ExitCode::usage,
           {"both given"});
    expect(gatesweep({"analyze", "out", "--set", "sweep.sizes=[3]", "--out", "new"}), ExitCode::usage,
           {"sweep.sizes=[3]", "analysis.", "run the job with it"});
    expect(gatesweep({"relabel", "out", "--set", "analysis.top=7", "--out", "new"}), ExitCode::usage,
           {"sweep.labels."});
    expect(gatesweep({"analyze", "out", "--set", "analysis.tops=7", "--out", "new"}), ExitCode::job,
           {"analysis.tops=7", "did you mean \"top\""});
    expect(gatesweep({"analyze", "out", "--set", "analysis.benign=nobody", "--out", "new"}), ExitCode::job,
           {"no [[prompts]] has group \"nobody\""});
    EXPECT_EQ(digests_of(out()), before);

    expect(gatesweep({"analyze", "out", "--set", "analysis.top=7", "--in-place"}), ExitCode::ok,
           {"changed   analysis.top: was 10, is 7"});
    EXPECT_NE(digest_of("overlap.csv"), before.at("overlap.csv"));
    expect(gatesweep({"status", "out"}), ExitCode::ok, {"as the run wrote them"});
    expect(gatesweep({"run", "job.toml", "--out", "out"}), ExitCode::cannot_create, {"analysis.top: was 7, is 10"});
    // A run with those values goes on from there: its sets are chosen anew.
    expect(gatesweep({"run", "out/job.toml", "--out", "out"}), ExitCode::ok, {"start 2 of this run"});
    expect(gatesweep({"run", "out/job.toml", "--out", "out"}), ExitCode::ok, {"nothing to do"});
    EXPECT_FALSE(read_manifest(out()).origin);
}

TEST_F(DerivedRun, OthersResultsAndDamagedOnesAreRefused) {
    at(scene(), "new");
    expect(gatesweep({"relabel", "out", "--out", "new"}), ExitCode::ok, {});
    expect(gatesweep({"relabel", "out", "--out", "new"}), ExitCode::cannot_create,
           {"new", "holds these results already"});
    expect(gatesweep({"analyze", "out", "--set", "analysis.top=7", "--out", "new"}), ExitCode::cannot_create,
           {"holds other results already"});
    replace(out() / "completions.jsonl", "full_refusal", "full_compliance");
    at(scene(), "new");
    expect(gatesweep({"relabel", "out", "--out", "new"}), ExitCode::bad_data,
           {"completions.jsonl is missing or not what the run wrote"});
    fs::remove(out() / "COMPLETE");
    expect(gatesweep({"relabel", "out", "--out", "new"}, 2), ExitCode::bad_data, {"the run is not complete"});
    expect(gatesweep({"analyze", "out", "--out", "new"}), ExitCode::bad_data, {"the run is not complete"});
    EXPECT_FALSE(fs::exists(scene().folder / "new" / "manifest.json"));
    expect(gatesweep({"relabel", "nowhere", "--out", "new"}), ExitCode::input_missing, {"nowhere"});
}

// A person's label counts wherever the same was answered to the same prompt, in a run as in relabel.
TEST_F(DerivedRun, LabelsOfPeopleGiveTheBytesOfARunWithThem) {
    write_people("full_compliance", 12);
    at(scene(), "new");
    at(scene(), "again");
    std::string const human = "sweep.labels.human=people.csv";
    ChildResult const relabelled = gatesweep({"relabel", "out", "--set", human, "--out", "new"}, 2);
    expect(relabelled, ExitCode::ok,
           {"changed   sweep.labels.human: was \"\"", " by people; ", " are left out of every comparison"});
    expect(gatesweep({"run", "job.toml", "--out", "again", "--set", human}), ExitCode::ok, {" by people; "});
    EXPECT_EQ(digests_of(scene().folder / "new"), digests_of(scene().folder / "again"));

    CsvTable const trials = read_csv(scene().folder / "new/tables/trials.csv");
    CsvTable const before = read_csv(out() / "tables/trials.csv");
    std::size_t num_equal = 0;
    for (std::size_t row = 0; row < trials.rows.size(); ++row) {
        std::int64_t const human_labels = trials.integer(row, "num_human"), mixed = trials.integer(row, "num_mixed");
        if (trials.text(row, "kind") == "baseline") {
            EXPECT_EQ(human_labels, trials.integer(row, "num_prompts"));
            continue;
        }
        EXPECT_EQ(human_labels + mixed, trials.integer(row, "num_prompts"));
        // What was refused before is called compliance in both, or not compared: no change comes of the labels alone.
        EXPECT_EQ(trials.integer(row, "n_to_r"), 0);
        EXPECT_EQ(trials.integer(row, "r_to_n"), 0);
        num_equal += mixed == 0;
    }
    EXPECT_GT(num_equal, 0u);
    CsvTable const quality = read_csv(scene().folder / "new/tables/label_quality.csv");
    ASSERT_EQ(quality.rows.size(), 1u) << "the labeller beside the people";
    EXPECT_GT(quality.integer(0, "false_positive"), 0);
    EXPECT_NE(read_file(scene().folder / "new/report.html").find("People labelled"), std::string::npos);
}

TEST_F(DerivedRun, MixedPairsCountWhereTheJobAllowsThem) {
    write_people("full_compliance", 12);
    at(scene(), "new");
    expect(gatesweep({"relabel", "out", "--set", "sweep.labels.human=people.csv", "--set", "sweep.labels.mixed=allow",
                      "--out", "new"}),
           ExitCode::ok, {"count like the others"});
    CsvTable const trials = read_csv(scene().folder / "new/tables/trials.csv");
    std::int64_t pairs = 0, prompts = 0;
    for (std::size_t row = 0; row < trials.rows.size(); ++row) {
        for (char const* column : {"r_to_r", "r_to_n", "n_to_r", "n_to_n"})
            pairs += trials.integer(row, column);
        prompts += trials.integer(row, "num_prompts");
    }
    EXPECT_EQ(pairs, prompts);
}

TEST_F(DerivedRun, OtherRulesOfPhrasesGiveTheTablesOfARunWithThem) {
    scene().folder.write("rules.toml", read_file(fs::path(GATESWEEP_SOURCE_DIR) / "jobs/refusal_phrases.toml") + "\n");
    at(scene(), "new");
    at(scene(), "again");
    std::string const rules = "sweep.labels.phrases=rules.toml";
    expect(gatesweep({"relabel", "out", "--set", rules, "--out", "new"}), ExitCode::ok,
           {"changed   sweep.labels.phrases"});
    expect(gatesweep({"run", "job.toml", "--out", "again", "--set", rules}), ExitCode::ok, {});
    EXPECT_EQ(digests_of(scene().folder / "new"), digests_of(scene().folder / "again"));
    EXPECT_NE(read_file(scene().folder / "new/completions.jsonl").find("\"label_source\":\"phrases 1 (sha256 "),
              std::string::npos);
}

TEST_F(DerivedRun, AJudgeIsLoadedAlone) {
    at(scene(), "new");
    at(scene(), "again");
    std::vector<std::string> const judge = {
        "--set", "sweep.labels.method=judge", "--set",
        std::string("sweep.labels.judge=") + GATESWEEP_GOLDEN_DIR + "/dense-bf16/model"};
    std::vector<std::string> relabel = {"relabel", "out", "--out", "new"}, run = {"run", "job.toml", "--out", "again"};
    for (auto* command : {&relabel, &run})
        command->insert(command->end(), judge.begin(), judge.end());
    fs::rename(scene().folder / "job.toml", scene().folder / "hidden.toml");
    expect(gatesweep(relabel, 2), ExitCode::ok, {"by a judge model"});
    fs::rename(scene().folder / "hidden.toml", scene().folder / "job.toml");
    expect(gatesweep(run), ExitCode::ok, {});
    EXPECT_EQ(digests_of(scene().folder / "new"), digests_of(scene().folder / "again"));
    // Verdicts are kept as they come: a start that was cut off goes on.
    fs::remove(scene().folder / "new/COMPLETE");
    expect(gatesweep({"status", "new"}), ExitCode::stopped,
           {"verdicts", "relabel out --out new", "goes on from there"});
    expect(gatesweep(relabel), ExitCode::ok, {"start 2 of this run; there already: ", " verdicts"});
    EXPECT_EQ(digests_of(scene().folder / "new"), digests_of(scene().folder / "again"));
}

TEST_F(DerivedRun, EffectsByAColumnOfThePromptsNeedNoModel) {
    at(scene(), "new");
    at(scene(), "again");
    CsvTable const prompts = read_csv(out() / "tables/prompts.csv");
    ASSERT_GT(prompts.header.size(), 5u) << "the prompt files' own columns";
    std::string const by = prompts.header[5].substr(5);
    EXPECT_EQ(prompts.header[5], "meta_" + by);
    expect(gatesweep({"analyze", "out", "--set", "report.by=" + by, "--out", "new"}), ExitCode::ok,
           {"changed   report.by"});
    expect(gatesweep({"run", "job.toml", "--out", "again", "--set", "report.by=" + by}), ExitCode::ok, {});
    EXPECT_EQ(digests_of(scene().folder / "new"), digests_of(scene().folder / "again"));
    EXPECT_TRUE(digests_of(scene().folder / "new").contains("category_effects.csv"));
    std::string const page = read_file(scene().folder / "new/report.html");
    EXPECT_NE(page.find("Effects by category"), std::string::npos);
    EXPECT_NE(page.find("Small cells:"), std::string::npos) << "six prompts are few";
    at(scene(), "again");
    expect(gatesweep({"run", "job.toml", "--out", "again", "--set", "report.by=colour"}), ExitCode::job,
           {"no such column", by});
}

}  // namespace
}  // namespace gatesweep
