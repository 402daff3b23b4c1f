// A sweep leaves the same bytes whatever ran it: ranks, expert-parallel degree, slots, batches, threads.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "support/child_process.h"
#include "support/demo_job.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

struct Layout {
    int ranks = 1;
    std::vector<std::string> set;
};

// A sweep small enough for a test: every mode, controls, the screen, watched prompts.
std::vector<std::string> const small_sweep = {
    "sweep.signals=[\"activation\"]",
    "sweep.sizes=[1, 5]",
    "sweep.gap_thresholds={ activation = [0.05] }",
    "sweep.modes=[\"mask\", \"zero\", \"zero-renormalise\", \"steer\", \"bias\"]",
    "sweep.scopes=[\"both\", \"decode\"]",
    "sweep.max_new_tokens=10",
    "sweep.screen.limit=2",
    "sweep.controls={ random = 1, bottom = false, reverse = true }",
};

std::map<std::string, std::string> run(fs::path const& folder, fs::path const& job, std::string const& name,
                                       Layout const& layout) {
    std::vector<std::string> arguments = {"run", job.string(), "--out", (folder / name).string()};
    for (auto const* list : {&small_sweep, &with_providers, &layout.set}) {
        for (auto const& setting : *list)
            arguments.insert(arguments.end(), {"--set", setting});
    }
    ChildResult const result = run_child(on_ranks(layout.ranks, arguments), GATESWEEP_SOURCE_DIR,
                                         folder / (name + ".log"), rank_environment, 240);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return result.exit_code == 0 ? digests_of(folder / name) : std::map<std::string, std::string>();
}

TEST(Sweep, LeavesTheSameBytesFromAnyLayout) {
    TemporaryFolder const folder;
    fs::path const job = folder.path() / "job.toml";
    write_demo_job(job, 8);
    for (std::string const dtype : {"float32", "bfloat16"}) {
        std::string const type = "model.dtype=" + dtype;
        auto const reference = run(folder.path(), job, dtype + "-alone", {1, {type}});
        ASSERT_TRUE(reference.contains("trials.csv"));
        for (std::string const table : {"screen", "providers", "provider_agreement", "provider_screen"})
            ASSERT_TRUE(reference.contains(table + ".csv")) << table;
        ASSERT_TRUE(reference.contains("margin_gradient.npy"));
        std::vector<Layout> const layouts = {
            {2, {type, "sweep.slots=7", "signals.batch_tokens=300"}},
            {3, {type, "parallel.threads=2"}},
            {4, {type, "parallel.expert_parallel=2", "sweep.slots=64"}},
        };
        for (std::size_t i = 0; i < layouts.size(); ++i) {
            EXPECT_EQ(run(folder.path(), job, dtype + std::to_string(i), layouts[i]), reference)
                << dtype << " layout " << i;
        }
    }
}

}  // namespace
}  // namespace gatesweep
