// [audit] of the job file.
#include <gtest/gtest.h>

#include <filesystem>

#include "gatesweep/input/job.h"
#include "gatesweep/input/job_writer.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

class JobAudit : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directories(folder_.path() / "model");
        folder_.write("p.csv", "id,prompt\n1,hi\n");
        folder_.write("no.txt", "No.\n");
        folder_.write("yes.txt", "Yes.\n");
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

TEST_F(JobAudit, WithoutTheSectionThereIsNone) {
    EXPECT_FALSE(load("").audit.is_wanted());
    EXPECT_EQ(to_toml(load("")).find("[audit]"), std::string::npos);
}

TEST_F(JobAudit, TheBareSectionWantsEveryCondition) {
    Job const job = load("[audit]\n");
    EXPECT_EQ(job.audit.conditions.size(), audit_conditions.size());
    EXPECT_EQ(job.audit.topic, "topic");
    EXPECT_EQ(job.audit.pair, "");
    EXPECT_EQ(again(job).audit, job.audit);
}

TEST_F(JobAudit, EveryKeyIsReadAndComesBack) {
    Job const job = load(
        "[audit]\nconditions = [\"matched\", \"continuation\"]\ntopic = \"category\"\npair = \"twin\"\n"
        "refusals = \"no.txt\"\ncompliances = \"yes.txt\"\n");
    EXPECT_EQ(job.audit.conditions,
              (std::vector<AuditCondition>{AuditCondition::matched, AuditCondition::continuation}));
    EXPECT_EQ(job.audit.topic, "category");
    EXPECT_EQ(job.audit.pair, "twin");
    EXPECT_EQ(job.audit.refusals.filename(), "no.txt");
    EXPECT_EQ(job.audit.compliances.filename(), "yes.txt");
    EXPECT_EQ(again(job).audit, job.audit);
}

TEST_F(JobAudit, WrongValuesAreRefused) {
    EXPECT_ERROR(load("[audit]\nconditions = [\"topics\"]\n"), ExitCode::job, "did you mean \"topic\"?");
    EXPECT_ERROR(load("[audit]\nconditions = []\n"), ExitCode::job, "at least one entry");
    EXPECT_ERROR(load("[audit]\nconditions = [\"topic\", \"topic\"]\n"), ExitCode::job, "is there twice");
    EXPECT_ERROR(load("[audit]\ncondition = [\"topic\"]\n"), ExitCode::job, "did you mean \"conditions\"?");
    EXPECT_ERROR(load("[audit]\ntopic = \"\"\n"), ExitCode::job, "the name of a column");
    EXPECT_ERROR(load("[audit]\nrefusals = \"none.txt\"\n"), ExitCode::input_missing, "none.txt");
}

TEST_F(JobAudit, KeepsItsResamplesWithoutProviders) {
    Job const job = load("[audit]\n[scores]\nbootstrap = 7\n");
    EXPECT_EQ(job.scores.bootstrap, 7);
    EXPECT_TRUE(job.scores.providers.empty());
    EXPECT_EQ(again(job).scores, job.scores);
}

TEST_F(JobAudit, RoutingSensitivityNeedsIt) {
    EXPECT_ERROR(load("[scores]\nproviders = [\"routing-sensitivity\"]\n"), ExitCode::job, "together with [audit]");
    Job const job = load(
        "[scores]\nproviders = [\"routing-sensitivity\"]\n[audit]\n[sweep]\nsignals = "
        "[\"routing-sensitivity\"]\n");
    EXPECT_TRUE(job.scores.has(routing_sensitivity_word));
    EXPECT_EQ(job.sweep.classes, std::vector<std::string>{"top"});
}

}  // namespace
}  // namespace gatesweep
