// The list of a job's keys against what the readers do with them, and against the documentation.
#include "gatesweep/input/job_keys.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "gatesweep/input/job.h"
#include "input/expect_says.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

// A job with every section, so that a key anywhere has something beside it.
constexpr char const* whole_job =
    "[model]\npath = 'model'\n[parallel]\n"
    "[[prompts]]\ngroup = 'benign'\nfile = 'a.csv'\n[[prompts]]\ngroup = 'harmful'\nfile = 'a.csv'\n"
    "[[prompts]]\ngroup = 'train'\nfile = 'a.csv'\n"
    "[[pairs]]\nname = 'p'\nfile = 'a.csv'\n[signals]\n[analysis]\nactivation = { gap = 0.1 }\n"
    "gradient = { gap = 0.1 }\ngradient-share = { gap = 0.1 }\n"
    "[scores]\nproviders = ['activation']\n[[scores.import]]\nname = 'i'\nfile = "
    "'a.csv'\n[sweep]\n[sweep.gap_thresholds]\n"
    "[sweep.controls]\n[sweep.labels]\n[sweep.screen]\n"
    "[[sweep.trial]]\nname = 't'\nfrom = { provider = 'activation', activate = 1 }\nmode = "
    "'steer'\n[audit]\n[harden]\nprovider = 'activation'\nrefusals = 'a.csv'\n"
    "[harden.train]\nharmful = 'train'\nbenign = 'train'\n[harden.held_out]\nharmful = 'harmful'\n"
    "benign = 'benign'\nnear_miss = 'benign'\n[harden.limits]\n[report]\n";

class JobKeys : public testing::Test {
protected:
    JobKeys() {
        std::filesystem::create_directory(folder_ / "model");
        folder_.write("a.csv", "prompt\na\n");
        folder_.write("job.toml", whole_job);
    }
    // What the reader says of a key set to `value`.
    std::string says(JobKey const& key, std::string const& value) const {
        std::string path = key.section.empty() ? key.key : key.section + "." + key.key;
        // Lists of tables: the first entry.
        for (std::string const list : {"prompts", "pairs", "scores.import", "sweep.trial"}) {
            if (key.section.starts_with(list)) path = list + ".0" + path.substr(list.size());
        }
        try {
            load_job(folder_ / "job.toml", {path + "=" + value});
        } catch (Error const& error) {
            return error.what();
        }
        return "";
    }
    static std::string name_of(JobKey const& key) { return key.section + " " + key.key; }

    TemporaryFolder folder_;
};

TEST_F(JobKeys, TheWholeJobOfThisTestIsSound) {
    EXPECT_NO_THROW(load_job(folder_ / "job.toml"));
    std::set<std::string> names;
    for (JobKey const& key : job_keys())
        EXPECT_TRUE(names.insert(name_of(key)).second) << name_of(key) << " is there twice";
    EXPECT_GT(names.size(), 90u);
}

// A key that no reader asks for would be taken without a word; a value of a kind that no key has must be refused.
TEST_F(JobKeys, EveryKeyIsReadByItsReader) {
    for (JobKey const& key : job_keys()) {
        bool const is_table = key.type == KeyType::section || key.type == KeyType::sections;
        std::string const message = says(key, is_table ? "7" : "1979-05-27");
        EXPECT_FALSE(message.empty()) << name_of(key) << " is read by nobody";
        EXPECT_EQ(message.find("unknown"), message.npos) << message;
        EXPECT_SAYS(message, key.key) << name_of(key);
    }
}

TEST_F(JobKeys, AKeyThatIsNotListedIsRefused) {
    std::set<std::string> sections;
    for (JobKey const& key : job_keys())
        sections.insert(key.section);
    for (std::string const& section : sections) {
        JobKey key;
        key.section = section;
        key.key = "no_such_key";
        EXPECT_SAYS(says(key, "1"), "unknown") << section;
    }
}

TEST_F(JobKeys, WordsAreThoseThatTheReaderNames) {
    for (JobKey const& key : job_keys()) {
        if (key.words.empty()) continue;
        std::string const message = says(key, key.type == KeyType::word ? "'no-such-word'" : "['no-such-word']");
        for (std::string const& word : key.words)
            EXPECT_SAYS(message, word) << name_of(key);
    }
}

TEST_F(JobKeys, WholeNumbersHaveTheReadersLimits) {
    for (JobKey const& key : job_keys()) {
        bool const is_whole = key.type == KeyType::whole || key.type == KeyType::whole_or_auto;
        if (!is_whole) continue;
        EXPECT_SAYS(says(key, fmt::format("{}", key.min - 1)), fmt::format("{}", key.min)) << name_of(key);
        EXPECT_EQ(says(key, fmt::format("{}", key.min)).find("whole number"), std::string::npos) << name_of(key);
        if (key.max == no_maximum) continue;
        EXPECT_SAYS(says(key, fmt::format("{}", key.max + 1)), fmt::format("{}", key.max)) << name_of(key);
        EXPECT_EQ(says(key, fmt::format("{}", key.max)).find("whole number"), std::string::npos) << name_of(key);
    }
}

TEST_F(JobKeys, TheDocumentationHasEachKey) {
    for (JobKey const& key : job_keys()) {
        // Those of inline tables stand in one line with the table, and sections need no line of their own.
        std::set<std::string> const inlined = {"sweep.controls", "sweep.gap_thresholds", "sweep.trial.from",
                                               "scores.import"};
        bool const is_within =
            inlined.contains(key.section) || key.section.starts_with("analysis.") || key.section.starts_with("harden.");
        bool const is_section = key.type == KeyType::section || key.type == KeyType::sections;
        if (is_within || is_section) continue;
        EXPECT_TRUE(documentation_of(key.section, key.key)) << name_of(key) << " is not in jobs/README.md";
    }
    auto const batch = documentation_of("signals", "batch_tokens");
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->value, "8192");
    EXPECT_SAYS(batch->comment, "tokens packed into one pass");
    EXPECT_FALSE(documentation_of("sweep.labels", "judge")->value) << "no default";
    EXPECT_SAYS(documentation_of("sweep", "trial")->comment, "sets of your own");
}

}  // namespace
}  // namespace gatesweep
