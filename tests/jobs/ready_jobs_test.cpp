// The jobs that are shipped: each is read as `gatesweep run` reads it, from the repository's root, with the demo's
// model in place of one that is not shipped.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <vector>

#include "gatesweep/base/file.h"
#include "gatesweep/input/job.h"
#include "gatesweep/input/prompts.h"
#include "sweep/plan_input.h"

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
    EXPECT_LE(job.parallel.expert_parallel, 8) << "every model here has as many experts";
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

TEST_F(ReadyJob, GptOssHasTheSamePromptsAndADay) {
    Job const job = load_job("jobs/gpt-oss-20b.toml", {"model.path=jobs/demo/model"});
    EXPECT_EQ(group_sizes(job), (std::map<std::string, int>{{"benign", 10}, {"harmful", 10}}));
    EXPECT_FALSE(job.model.date.empty());
}

TEST_F(ReadyJob, OtherModelsHaveTheSamePromptsAndLimitsForTheirNumberOfExperts) {
    Job const mixtral = load_job("jobs/mixtral-8x7b.toml", {"model.path=jobs/demo/model"});
    for (auto const& [name, experts] : {std::pair{"olmoe-1b-7b", 64}, {"qwen3-30b-a3b", 128}}) {
        Job const job = load_job(fmt::format("jobs/{}.toml", name), {"model.path=jobs/demo/model"});
        EXPECT_EQ(group_sizes(job), group_sizes(mixtral)) << name;
        double const share = 8.0 / experts;  // of a layer's score, where all experts are used alike
        EXPECT_NEAR(job.analysis.limits(SignalKind::activation).gap,
                    mixtral.analysis.limits(SignalKind::activation).gap * share, 5e-4)
            << name;
        EXPECT_NEAR(job.analysis.limits(SignalKind::activation).min,
                    mixtral.analysis.limits(SignalKind::activation).min * share, 5e-4)
            << name;
    }
}

TEST_F(ReadyJob, XstestIsWhole) {
    Job const job = load_job("jobs/mixtral-8x7b-xstest.toml", {"model.path=jobs/demo/model"});
    EXPECT_EQ(group_sizes(job), (std::map<std::string, int>{{"safe", 250}, {"unsafe", 200}}));
}

// The sweep of a job planned for Mixtral-8x7B's shape, on scores from a seed.
TrialPlan mixtral_plan(Job const& job) {
    validate_custom_trials(job.sweep, 32, 8, 2);
    return plan_trials(job.sweep, job.analysis, test::gap_result({.num_layers = 32, .num_experts = 8, .top_k = 2}));
}

TEST_F(ReadyJob, PaperInterventionsSuppressFiveOfEachSignalAndItsOwnSets) {
    Job const job = load_job("jobs/paper.toml", {"model.path=jobs/demo/model"});
    EXPECT_EQ(group_sizes(job), (std::map<std::string, int>{
                                    {"benign", 10}, {"harmful", 10}, {"xstest-unsafe", 100}, {"xstest-safe", 100}}));
    TrialPlan const plan = mixtral_plan(job);
    auto const selected = test::of_kind(plan, TrialKind::selected);
    ASSERT_EQ(selected.size(), 2u);
    EXPECT_EQ(selected[0].signal, "activation");
    EXPECT_EQ(selected[1].signal, "gradient");
    for (Trial const& trial : selected) {
        EXPECT_EQ(trial.expert_class, "benign-dominant");
        EXPECT_EQ(trial.edits.size(), 5u);
        EXPECT_EQ(trial.mode, EditMode::mask);
        EXPECT_EQ(trial.scope, EditScope::both);
    }
    auto const named = test::of_kind(plan, TrialKind::custom);
    ASSERT_EQ(named.size(), 2u);
    EXPECT_EQ(test::set_of(named[0]), "7:5 12:1 15:1 27:3");
    EXPECT_EQ(test::set_of(named[1]), "19:6 24:1 26:7 28:5 29:4");
    for (auto const* sets : {&selected, &named}) {
        for (Trial const& trial : *sets)
            EXPECT_EQ(trial.controls.size(), 20u) << trial.name;
    }
}

TEST_F(ReadyJob, LargeSweepHasAtLeastFourHundredCellsAndControls) {
    Job const job = load_job("jobs/sweep-large.toml", {"model.path=jobs/demo/model"});
    TrialPlan const plan = mixtral_plan(job);
    auto const num_cells = std::count_if(plan.cells.begin(), plan.cells.end(),
                                         [](GridCell const& cell) { return cell.kind == TrialKind::selected; });
    EXPECT_GE(num_cells, 400);
    EXPECT_FALSE(test::of_kind(plan, TrialKind::bottom).empty());
    for (Trial const& trial : test::of_kind(plan, TrialKind::selected)) {
        // One expert has 7 others in its layer, some of which are sets of the grid themselves.
        if (trial.edits.size() > 1) {
            EXPECT_EQ(trial.controls.size(), 20u) << trial.name;
        }
        EXPECT_GE(trial.controls.size(), 4u) << trial.name;
    }
}

}  // namespace
}  // namespace gatesweep
