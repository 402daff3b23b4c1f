// [scores] of the job file, and what it lets [sweep] name.
#include <gtest/gtest.h>

#include <filesystem>

#include "gatesweep/input/job.h"
#include "gatesweep/input/job_writer.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

using Words = std::vector<std::string>;

class JobScores : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directories(folder_.path() / "model");
        folder_.write("p.csv", "id,prompt\n1,hi\n");
    }
    Job load(std::string const& text) {
        return load_job(folder_.write("night.toml",
                                      "[model]\npath = \"model\"\n[[prompts]]\ngroup = \"benign\"\nfile = \"p.csv\"\n"
                                      "[[prompts]]\ngroup = \"harmful\"\nfile = \"p.csv\"\n" +
                                          text));
    }
    Job again(Job const& job) { return load_job(folder_.write("again.toml", to_toml(job))); }

    TemporaryFolder folder_;
};

TEST_F(JobScores, WithoutProvidersThereIsNoSection) {
    EXPECT_TRUE(load("").scores.providers.empty());
    EXPECT_EQ(to_toml(load("[scores]\nbootstrap = 7\n")), to_toml(load("")));
    EXPECT_EQ(to_toml(load("")).find("[scores]"), std::string::npos);
}

TEST_F(JobScores, EveryKeyIsReadAndComesBack) {
    Job const job = load(
        "[scores]\nproviders = [\"reap\", \"logit-gradient\", \"gradient-share\"]\nbootstrap = 50\n"
        "refusals = [\"I cannot\"]\ncompliances = [\"Sure\", \"Here\"]\n");
    EXPECT_EQ(job.scores.providers, (Words{"reap", "logit-gradient", "gradient-share"}));
    EXPECT_EQ(job.scores.bootstrap, 50);
    EXPECT_TRUE(job.scores.needs(Measure::output_norm));
    EXPECT_TRUE(job.scores.needs(Measure::margin_gradient));
    EXPECT_FALSE(job.scores.needs(Measure::gate_mass));
    EXPECT_EQ(again(job).scores, job.scores);
}

TEST_F(JobScores, OpeningsAreThoseOfTheScreenUnlessNamed) {
    std::string const screen = "[sweep.screen]\nrefusals = [\"No\"]\ncompliances = [\"Yes\"]\n";
    Job const job = load("[scores]\nproviders = [\"logit-gradient\"]\ncompliances = [\"Sure\"]\n" + screen);
    EXPECT_EQ(job.scores.refusals, Words{"No"});
    EXPECT_EQ(job.scores.compliances, Words{"Sure"});
    EXPECT_EQ(again(job).scores, job.scores);
    EXPECT_TRUE(load("[scores]\nproviders = [\"reap\"]\n" + screen).scores.refusals.empty());
    EXPECT_ERROR(load("[scores]\nproviders = [\"logit-gradient\"]\nrefusals = [\"No\"]\n"), ExitCode::job,
                 "no openings of compliance");
}

TEST_F(JobScores, WrongValuesAreRefused) {
    EXPECT_ERROR(load("[scores]\nproviders = [\"reaps\"]\n"), ExitCode::job, "did you mean \"reap\"?");
    EXPECT_ERROR(load("[scores]\nproviders = [\"routing-sensitivity\"]\n"), ExitCode::job, "audit");
    EXPECT_ERROR(load("[scores]\nproviders = [\"reap\", \"reap\"]\n"), ExitCode::job, "is there twice");
    EXPECT_ERROR(load("[scores]\nbootstrap = -1\n"), ExitCode::job, "bootstrap");
    EXPECT_ERROR(load("[scores]\nproviders = [\"reap\"]\nrefusals = [\"\"]\n"), ExitCode::job, "refusals");
}

TEST_F(JobScores, ASweepTakesProvidersOfTheJob) {
    std::string const scores = "[scores]\nproviders = [\"reap\", \"activation\"]\n";
    Job const job = load(scores +
                         "[sweep]\nsignals = [\"reap\"]\nclasses = [\"bottom\"]\n"
                         "sizes = [3, \"12.5 %\", \"25%\"]\n");
    EXPECT_EQ(job.sweep.signals, Words{"reap"});
    EXPECT_EQ(job.sweep.sizes, std::vector<std::int64_t>{3});
    EXPECT_EQ(job.sweep.shares, (std::vector<double>{12.5, 25.0}));
    EXPECT_TRUE(job.sweep.has_grid());
    Job const back = again(job);
    EXPECT_EQ(to_toml(back), to_toml(job));
    EXPECT_EQ(back.sweep.shares, job.sweep.shares);
    EXPECT_EQ(load(scores + "[sweep]\nsignals = [\"reap\"]\n").sweep.classes, Words{"top"});
    EXPECT_EQ(load(scores + "[sweep]\nsignals = [\"reap\", \"gradient\"]\n").sweep.classes,
              (Words{"malicious-dominant", "benign-dominant", "top"}));
    EXPECT_TRUE(
        load("[sweep]\nsignals = [\"activation\"]\nclasses = [\"top\"]\nsizes = [\"50 %\"]\n").sweep.has_grid());
}

TEST_F(JobScores, ASweepOfOtherProvidersIsRefused) {
    EXPECT_ERROR(load("[sweep]\nsignals = [\"reap\"]\n"), ExitCode::job, "[scores] providers = [\"reap\"]");
    std::string const scores = "[scores]\nproviders = [\"reap\"]\n";
    EXPECT_ERROR(load(scores + "[sweep]\nsignals = [\"reap\"]\nclasses = [\"shared\"]\n"), ExitCode::job, "\"top\"");
    EXPECT_ERROR(load("[sweep]\nsizes = [\"25 %\"]\n"), ExitCode::job, "shares together with class");
    for (std::string const wrong : {"0 %", "100 %", "25", "%", "x %", "nan %"})
        EXPECT_ERROR(load(scores + "[sweep]\nsignals = [\"reap\"]\nsizes = [\"" + wrong + "\"]\n"), ExitCode::job,
                     "shares below 100");
}

}  // namespace
}  // namespace gatesweep
