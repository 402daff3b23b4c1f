// The jobs that are shipped: each is read as `gatesweep run` reads it, from the repository's root, with the demo's
// model in place of one that is not shipped.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <vector>

#include "gatesweep/base/file.h"
#include "gatesweep/input/job.h"
#include "gatesweep/input/prompts.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

// Other TOML files below jobs/ hold lists and recipes.
bool is_job(fs::path const& file) {
    if (file.extension() != ".toml") return false;
    std::string const text = read_file(file);
    return text.starts_with("[model]\n") || text.find("\n[model]\n") != text.npos;
}

std::vector<std::string> job_names() {
    std::vector<std::string> names;
    fs::path const root = GATESWEEP_SOURCE_DIR;
    for (auto const& entry : fs::recursive_directory_iterator(root / "jobs")) {
        if (entry.is_regular_file() && is_job(entry.path())) names.push_back(fs::relative(entry.path(), root).string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

class ReadyJob : public testing::TestWithParam<std::string> {
protected:
    void SetUp() override { fs::current_path(GATESWEEP_SOURCE_DIR); }
};

std::map<std::string, int> group_sizes(Job const& job) {
    std::map<std::string, int> sizes;
    for (auto const& prompt : load_prompts(job).prompts)
        ++sizes[prompt.group];
    return sizes;
}

TEST_P(ReadyJob, IsReadAndHasPromptsInBothGroups) {
    Job const job = load_job(GetParam(), {"model.path=jobs/demo/model"});
    auto const sizes = group_sizes(job);
    EXPECT_GT(sizes.at(job.analysis.benign), 0);
    EXPECT_GT(sizes.at(job.analysis.malicious), 0);
    EXPECT_EQ(8 % job.parallel.expert_parallel, 0) << "every model here has 8 experts";
}

std::string name_of_case(testing::TestParamInfo<std::string> const& job) {
    std::string name = job.param;
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
    return name;
}
INSTANTIATE_TEST_SUITE_P(All, ReadyJob, testing::ValuesIn(job_names()), name_of_case);

TEST_F(ReadyJob, PaperSettingHasTenPromptsOfEachGroup) {
    Job const job = load_job("jobs/mixtral-8x7b.toml", {"model.path=jobs/demo/model"});
    EXPECT_EQ(group_sizes(job), (std::map<std::string, int>{{"benign", 10}, {"harmful", 10}}));
}

TEST_F(ReadyJob, XstestIsWhole) {
    Job const job = load_job("jobs/mixtral-8x7b-xstest.toml", {"model.path=jobs/demo/model"});
    EXPECT_EQ(group_sizes(job), (std::map<std::string, int>{{"safe", 250}, {"unsafe", 200}}));
}

}  // namespace
}  // namespace gatesweep
