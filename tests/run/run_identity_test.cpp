#include "gatesweep/run/run_identity.h"

#include <gtest/gtest.h>

namespace gatesweep {
namespace {

using Texts = std::vector<std::string>;

constexpr char const* job = R"([model]
path = "a/model"
dtype = "float32"

[parallel]
threads = 1

[[prompts]]
group = "benign"
file = "b.csv"

[signals]
batch_tokens = 8192

[sweep]
sizes = [1, 2]
max_new_tokens = 10

[[sweep.trial]]
name = "first"
mode = "mask"

[[sweep.trial]]
name = "second"
mode = "mask"
)";

std::string with(std::string const& from, std::string const& to) {
    std::string text = job;
    auto const at = text.find(from);
    EXPECT_NE(at, text.npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(JobDifferences, NamesEveryKeyThatResultsDependOn) {
    EXPECT_EQ(job_differences(job, job), Texts{});
    EXPECT_EQ(job_differences(job, with("sizes = [1, 2]", "sizes = [1, 2, 3]")),
              Texts{"sweep.sizes: was [1, 2], is [1, 2, 3]"});
    EXPECT_EQ(job_differences(job, with("max_new_tokens = 10\n", "")), Texts{"sweep.max_new_tokens: was 10, is gone"});
    EXPECT_EQ(job_differences(with("max_new_tokens = 10\n", ""), job),
              Texts{"sweep.max_new_tokens: was not there, is 10"});
    EXPECT_EQ(job_differences(job, with("dtype = \"float32\"", "dtype = \"bfloat16\"")),
              Texts{"model.dtype: was \"float32\", is \"bfloat16\""});
    // The second of two trials, though a trial of the same name stands before it.
    EXPECT_EQ(job_differences(job, with("name = \"second\"\nmode = \"mask\"", "name = \"second\"\nmode = \"zero\"")),
              Texts{"sweep.trial 2.mode: was \"mask\", is \"zero\""});
}

TEST(JobDifferences, LeavesOutHowTheWorkIsCutAndWhereFilesLie) {
    EXPECT_EQ(job_differences(job, with("threads = 1", "threads = 8")), Texts{});
    EXPECT_EQ(job_differences(job, with("batch_tokens = 8192", "batch_tokens = 100")), Texts{});
    EXPECT_EQ(job_differences(job, with("a/model", "elsewhere")), Texts{});
    EXPECT_EQ(job_differences(job, with("b.csv", "c.csv")), Texts{});
}

CsvTable prompts(std::vector<std::array<std::string, 3>> const& rows) {
    CsvTable table{"prompts", {"prompt_id", "group", "digest"}, {}};
    for (auto const& [id, group, digest] : rows)
        table.add(id, group, digest);
    return table;
}

TEST(PromptDifference, AllowsMorePromptsAnywhere) {
    CsvTable const was = prompts({{"b1", "benign", "11"}, {"h1", "harmful", "22"}});
    EXPECT_EQ(prompt_difference(was, was), "");
    EXPECT_EQ(prompt_difference(prompts({}), was), "");
    EXPECT_EQ(prompt_difference(was, prompts({{"b0", "benign", "00"},
                                              {"b1", "benign", "11"},
                                              {"b2", "benign", "33"},
                                              {"h1", "harmful", "22"},
                                              {"h2", "harmful", "44"}})),
              "");
    EXPECT_EQ(prompt_difference(was, prompts({{"renamed", "benign", "11"}, {"h1", "harmful", "22"}})), "");
}

TEST(PromptDifference, NamesTheFirstThatIsGoneChangedOrElsewhere) {
    CsvTable const was = prompts({{"b1", "benign", "11"}, {"b2", "benign", "11"}, {"h1", "harmful", "22"}});
    for (auto const& is :
         {prompts({{"b1", "benign", "11"}, {"b2", "benign", "11"}}),                            // gone
          prompts({{"b1", "benign", "11"}, {"b2", "benign", "11"}, {"h1", "harmful", "99"}}),   // other tokens
          prompts({{"b1", "benign", "11"}, {"b2", "benign", "11"}, {"h1", "benign", "22"}}),    // another group
          prompts({{"h1", "harmful", "22"}, {"b1", "benign", "11"}, {"b2", "benign", "11"}})})  // another order
        EXPECT_EQ(prompt_difference(was, is),
                  "prompts: h1 of group harmful, number 2 of 3 before, is gone, changed or elsewhere");
    // One of two equal prompts.
    EXPECT_EQ(prompt_difference(was, prompts({{"b1", "benign", "11"}, {"h1", "harmful", "22"}})),
              "prompts: b2 of group benign, number 1 of 3 before, is gone, changed or elsewhere");
}

}  // namespace
}  // namespace gatesweep
