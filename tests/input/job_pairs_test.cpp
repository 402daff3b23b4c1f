// [[pairs]], [scores] import and sets by scores of the job file.
#include <gtest/gtest.h>

#include <filesystem>

#include "gatesweep/input/job.h"
#include "gatesweep/input/job_writer.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

class JobPairsTest : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directories(folder_.path() / "model");
        for (auto const name : {"benign.csv", "harmful.csv", "pairs.jsonl", "unsafe.csv", "refusals.txt", "table.csv"})
            folder_.write(name, "x\n");
    }
    Job load(std::string const& text) {
        return load_job(folder_.write("job.toml",
                                      "[model]\npath = 'model'\n[[prompts]]\ngroup = 'benign'\nfile = "
                                      "'benign.csv'\n[[prompts]]\ngroup = 'harmful'\nfile = 'harmful.csv'\n" +
                                          text));
    }
    std::string written_again(std::string const& text) {
        std::string const once = to_toml(load(text));
        EXPECT_EQ(to_toml(load_job(folder_.write("again.toml", once))), once);
        return once;
    }
    TemporaryFolder folder_;
};

TEST_F(JobPairsTest, ReadsTheThreeForms) {
    Job const job = load(
        "[[pairs]]\nname = 'rows'\nfile = 'pairs.jsonl'\ncount = 'target'\nlimit = 3\n"
        "[[pairs]]\nname = 'built'\nprompts = 'unsafe.csv'\nresponse_0 = 'refusals.txt'\nresponse_1 = 'response'\n"
        "[[pairs]]\nname = 'asked'\nfile = 'unsafe.csv'\ndocument = 'context'\nquestion = 'q'\n");
    ASSERT_EQ(job.pairs.size(), 3u);
    EXPECT_EQ(job.pairs[0].count, PairCount::target);
    EXPECT_EQ(job.pairs[0].limit, 3);
    EXPECT_EQ(job.pairs[1].responses[0].list.filename(), "refusals.txt");
    EXPECT_EQ(job.pairs[1].responses[1].column, "response");
    EXPECT_FALSE(job.pairs[1].count);
    EXPECT_TRUE(job.pairs[2].file.empty());  // a prompt file, whatever the key
    EXPECT_EQ(job.pairs[2].document, "context");
    EXPECT_TRUE(job.scores.has("risk-difference"));  // pairs are there to be compared
    written_again(
        "[[pairs]]\nname = 'built'\nprompts = 'unsafe.csv'\nwhere = { kind = 'bad' }\nresponse_0 = "
        "'refusals.txt'\nresponse_1 = 'response'\n[[pairs]]\nfile = 'pairs.jsonl'\n");
}

TEST_F(JobPairsTest, RefusesWhatIsNoPair) {
    auto const refuses = [&](std::string const& keys, std::vector<std::string_view> const& words) {
        expect_error([&] { load("[[pairs]]\n" + keys); }, ExitCode::job, words);
    };
    refuses("name = 'x'\n", {"neither file nor prompts"});
    refuses("file = 'pairs.jsonl'\nprompts = 'unsafe.csv'\nresponse_0 = 'a'\nresponse_1 = 'b'\n", {"both"});
    refuses("prompts = 'unsafe.csv'\n", {"neither responses nor a document"});
    refuses("prompts = 'unsafe.csv'\nresponse_0 = 'a'\n", {"no response_1"});
    refuses("prompts = 'unsafe.csv'\ndocument = 'a'\n", {"no question"});
    refuses("prompts = 'unsafe.csv'\ndocument = 'a'\nquestion = 'b'\ncount = 'response'\n", {"count", "target"});
    refuses("file = 'pairs.jsonl'\ncount = 'everything'\n", {"count"});
    refuses("file = 'pairs.jsonl'\nnmae = 'x'\n", {"nmae", "name"});
    refuses("file = 'pairs.jsonl'\n[[pairs]]\nfile = 'pairs.jsonl'\n", {"a name that no other has"});
    EXPECT_ERROR(load("[[pairs]]\nfile = 'gone.jsonl'\n"), ExitCode::input_missing, "gone.jsonl");
    EXPECT_ERROR(load("[scores]\nproviders = ['risk-difference']\n"), ExitCode::job, "[[pairs]]");
}

TEST_F(JobPairsTest, ReadsImportsAndSteeredSets) {
    std::string const text =
        "[[pairs]]\nfile = 'pairs.jsonl'\n[scores]\nimport = [{ name = 'published', file = 'table.csv' }]\n[sweep]\n"
        "signals = ['risk-difference', 'published']\nactivate = [0, 5]\ndeactivate = [10, 50]\n[[sweep.trial]]\nname = "
        "'x'\nfrom = { provider = 'published', activate = 15, deactivate = 5 }\n";
    Job const job = load(text);
    EXPECT_EQ(job.scores.providers, (std::vector<std::string>{"risk-difference", "published"}));
    EXPECT_EQ(job.sweep.deactivate, (std::vector<std::int64_t>{10, 50}));
    EXPECT_TRUE(job.sweep.classes.empty());  // the steered sets alone
    ASSERT_TRUE(job.sweep.trials[0].from);
    EXPECT_EQ(job.sweep.trials[0].from->activate, 15);
    EXPECT_EQ(job.sweep.trials[0].mode, EditMode::steer);
    EXPECT_NE(written_again(text).find("deactivate = [10, 50]"), std::string::npos);
}

TEST_F(JobPairsTest, RefusesSetsWithoutScores) {
    auto const refuses = [&](std::string const& text, std::vector<std::string_view> const& words) {
        expect_error([&] { load(text); }, ExitCode::job, words);
    };
    refuses("[sweep]\nsignals = ['risk-difference']\nactivate = [1]\n", {"risk-difference"});
    refuses("[sweep]\nactivate = [0]\n", {"above 0"});
    refuses("[sweep]\nreverse = true\n", {"activate or deactivate"});
    refuses(
        "[[sweep.trial]]\nname = 'x'\nfrom = { provider = 'pubished', activate = 1 }\n[scores]\nimport = [{ name = "
        "'published', file = 'table.csv' }]\n",
        {"did you mean \"published\""});
    refuses("[[sweep.trial]]\nname = 'x'\nfrom = { provider = 'activation' }\n", {"how many experts"});
    refuses("[[sweep.trial]]\nname = 'x'\nmode = 'mask'\nfrom = { provider = 'activation', activate = 1 }\n",
            {"steer"});
    refuses("[[sweep.trial]]\nname = 'x'\nexperts = [[0, 1]]\nfrom = { provider = 'activation', activate = 1 }\n",
            {"both experts and from"});
    refuses("[scores]\nimport = [{ name = 'activation', file = 'table.csv' }]\n", {"no other scores have"});
    refuses("[signals]\nphases = ['prompt', 'generated']\n", {"[sweep]"});
    refuses("[signals]\nphases = ['generated']\n[sweep]\n", {"phases"});
}

}  // namespace
}  // namespace gatesweep
