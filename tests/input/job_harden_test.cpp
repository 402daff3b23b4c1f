// [harden] of the job file.
#include <gtest/gtest.h>

#include <filesystem>

#include "gatesweep/input/job.h"
#include "gatesweep/input/job_writer.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

using Words = std::vector<std::string>;

std::string const places =
    "train = { harmful = \"harmful-train\", benign = \"benign-train\" }\n"
    "held_out = { harmful = \"harmful\", benign = \"benign\" }\n"
    "refusals = \"no.txt\"\n";
std::string const good = "[harden]\nprovider = \"activation\"\n" + places;

std::string without(std::string const& line) {
    std::string text = good;
    auto const at = text.find("\n" + line);
    text.erase(at, text.find('\n', at + 1) - at);
    return text;
}

std::string with(std::string const& from, std::string const& to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
}

class JobHarden : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directories(folder_.path() / "model");
        folder_.write("p.csv", "id,prompt\n1,hi\n");
        folder_.write("no.txt", "No.\n");
    }
    Job load(std::string const& text) {
        std::string top = "[model]\npath = \"model\"\n";
        for (std::string const group : {"benign", "harmful", "benign-train", "harmful-train"})
            top += "[[prompts]]\ngroup = \"" + group + "\"\nfile = \"p.csv\"\n";
        return load_job(folder_.write("night.toml", top + text));
    }
    Job again(Job const& job) { return load_job(folder_.write("again.toml", to_toml(job))); }

    TemporaryFolder folder_;
};

TEST_F(JobHarden, WithoutTheSectionThereIsNone) {
    EXPECT_FALSE(load("").harden.enabled);
    EXPECT_EQ(to_toml(load("")).find("[harden]"), std::string::npos);
}

TEST_F(JobHarden, EveryKeyIsReadAndComesBack) {
    Job const job =
        load(good +
             "experts = 3\nbudget = 0.01\nrank = 2\nalpha = 3\nsteps = 7\nlearning_rate = 2e-3\nweight_decay = 0.1\n"
             "warmup = 0.2\nclip = 0.5\nbeta = 2\ngamma = 0.25\nbatch = 6\nparts = 3\nevaluate = 2\npatience = 1\n"
             "validation = 0.25\nsave = 4\nseed = 9\nmax_new_tokens = 12\ncompare = [\"attention\"]\nsuppress = [[2, "
             "5], [3, 1]]\n"
             "limits = { refusal = 90, compliance_drop = 2, perplexity_ratio = 1.1, js = 0.1, overlap = 0.8 }\n");
    HardenSpec const& h = job.harden;
    EXPECT_TRUE(h.enabled);
    EXPECT_EQ(h.experts, 3);
    EXPECT_EQ(h.budget, 0.01);
    EXPECT_EQ(h.learning_rate, 2e-3);
    EXPECT_EQ(h.train.harmful, Words{"harmful-train"});
    EXPECT_EQ(h.compare, std::vector<HardenArm>{HardenArm::attention});
    EXPECT_EQ(h.suppress, (std::vector<ExpertId>{{2, 5}, {3, 1}}));
    EXPECT_EQ(h.limits.js, 0.1);
    EXPECT_EQ(to_toml(again(job)), to_toml(job));
    EXPECT_TRUE(job.scores.has("activation")) << "what selects is measured";
    EXPECT_FALSE(load(good + "budget = 0.5\n").harden.experts) << "a budget alone is the only limit";
    EXPECT_TRUE(load(good + "compare = []\n").harden.compare.empty());
}

TEST_F(JobHarden, WhatIsMissingIsNamed) {
    EXPECT_ERROR(load(without("train")), ExitCode::job, "train = { harmful = \"a group\", benign = \"a group\" }");
    EXPECT_ERROR(load(without("held_out")), ExitCode::job, "held_out = { harmful = \"a group\"");
    EXPECT_ERROR(load(without("refusals")), ExitCode::job, "refusals = \"a text file with a refusal a line\"");
    EXPECT_ERROR(load(with(", benign = \"benign-train\"", "")), ExitCode::job, "benign = \"a group of [[prompts]]\"");
    EXPECT_ERROR(load(with("harmful = \"harmful\", ", "")), ExitCode::job, "harmful = \"a group of [[prompts]]\"");
    EXPECT_ERROR(load(with("no.txt", "nein.txt")), ExitCode::input_missing, "nein.txt");
}

TEST_F(JobHarden, GroupsAreThoseOfThePromptsAndNoneIsBoth) {
    EXPECT_ERROR(load(with("\"harmful-train\"", "\"harmful-trian\"")), ExitCode::job, "harmful-train");
    EXPECT_ERROR(load(with("\"benign\" }", "[\"benign\", \"bening\"] }")), ExitCode::job, "did you mean \"benign\"?");
    EXPECT_ERROR(
        load(with("held_out = { harmful = \"harmful\"", "held_out = { harmful = [\"harmful\", \"harmful-train\"]")),
        ExitCode::job, "\"harmful-train\" is: what was learned by heart proves nothing");
    EXPECT_ERROR(load(with("\"benign\" }", "\"benign\", near_miss = \"benign-train\" }")), ExitCode::job, "near_miss");
}

TEST_F(JobHarden, ProvidersAreThoseThatTheJobCanMeasure) {
    auto const by = [](std::string const& word) { return with("\"activation\"", "\"" + word + "\""); };
    EXPECT_ERROR(load(by("activations")), ExitCode::job, "a score provider: activation");
    EXPECT_ERROR(load(by("routing-sensitivity")), ExitCode::job, "together with [audit]");
    EXPECT_ERROR(load(without("provider")), ExitCode::job, "or [audit], which routing-sensitivity");
    EXPECT_ERROR(load(by("risk-difference")), ExitCode::job, "together with [[pairs]]");
    EXPECT_EQ(load(by("reap")).scores.providers, Words{"reap"});
}

TEST_F(JobHarden, WrongValuesAreRefused) {
    for (std::string const wrong : {"learning_rate = nan",
                                    "learning_rate = -1e-3",
                                    "learning_rate = inf",
                                    "experts = 0",
                                    "experts = 1.5",
                                    "budget = 0",
                                    "budget = 1.5",
                                    "rank = 0",
                                    "alpha = -1",
                                    "steps = 0",
                                    "weight_decay = nan",
                                    "warmup = 1.5",
                                    "clip = 0",
                                    "beta = -1",
                                    "gamma = nan",
                                    "batch = 1",
                                    "parts = 0",
                                    "evaluate = -1",
                                    "patience = -1",
                                    "validation = 0.6",
                                    "save = 0",
                                    "seed = -1",
                                    "max_new_tokens = 0",
                                    "compare = [\"selected\"]",
                                    "suppress = [[2]]",
                                    "suppress = [[-1, 0]]",
                                    "suppress = [[2, \"x\"]]",
                                    "suppress = 5",
                                    "suppress = [[2, 5], [2, 5]]",
                                    "stepps = 5"})
        EXPECT_ERROR(load(good + wrong + "\n"), ExitCode::job, wrong.substr(0, wrong.find(' ')));
    EXPECT_ERROR(load(good + "limits = { js = nan }\n"), ExitCode::job, "js");
    EXPECT_ERROR(load(good + "limits = { refusals = 5 }\n"), ExitCode::job, "did you mean \"refusal\"?");
    EXPECT_ERROR(load(good + "compare = [\"randon\"]\n"), ExitCode::job, "did you mean \"random\"?");
    EXPECT_ERROR(load(without("train") + "train = 5\n"), ExitCode::job, "train");
    EXPECT_ERROR(load("[signals]\nstream = true\n" + good), ExitCode::job, "say stream = \"auto\"");
}

}  // namespace
}  // namespace gatesweep
