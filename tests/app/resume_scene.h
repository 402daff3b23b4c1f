// A small sweep of the demo, run whole once, and the means to interrupt copies of it.
#pragma once

#include <gtest/gtest.h>

#include <set>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/store/record_merge.h"
#include "support/background_run.h"
#include "support/demo_job.h"
#include "support/temporary_folder.h"

namespace gatesweep {

// Two edits of each way through the sweep, controls, the screen and watched prompts: a second of work.
inline std::vector<std::string> const resume_sweep = {
    "parallel.threads=1",
    "sweep.signals=[\"activation\"]",
    "sweep.sizes=[1, 5]",
    "sweep.gap_thresholds={ activation = [0.05] }",
    "sweep.modes=[\"mask\", \"steer\"]",
    "sweep.max_new_tokens=10",
    "sweep.screen.limit=1",
    "sweep.controls={ random = 1, bottom = false, reverse = true }",
};

class Resume : public testing::Test {
protected:
    static constexpr int num_prompts = 3;      // of each of three groups
    static constexpr double patience = 100.0;  // seconds, for machines under load

    static void SetUpTestSuite() {
        folder_ = new TemporaryFolder;
        write_demo_job(job(), num_prompts);
        ChildResult const result = run_whole("whole", job());
        if (result.exit_code != 0) throw std::runtime_error("the run failed: " + result.output);
        reference_ = new std::map<std::string, std::string>(digests_of(*folder_ / "whole"));
        if (!reference_->contains("trials.csv") || !reference_->contains("provider_screen.csv"))
            throw std::runtime_error("the run left no sweep: " + result.output);
    }
    static void TearDownTestSuite() {
        delete folder_;
        delete reference_;
        folder_ = nullptr;
        reference_ = nullptr;
    }
    void SetUp() override { std::filesystem::remove_all(out()); }

    static TemporaryFolder const& folder() { return *folder_; }
    static std::filesystem::path job() { return *folder_ / "job.toml"; }
    static std::filesystem::path out() { return *folder_ / "out"; }
    static std::map<std::string, std::string> const& reference() { return *reference_; }

    static std::vector<std::string> words(std::filesystem::path const& to, std::filesystem::path const& job,
                                          std::vector<std::string> const& more = {}) {
        std::vector<std::string> words = {"run", job.string(), "--out", to.string()};
        for (auto const* list : {&resume_sweep, &with_providers, &more}) {
            for (auto const& setting : *list)
                words.insert(words.end(), {"--set", setting});
        }
        return words;
    }
    // The job to its end, or to wherever it refuses.
    static ChildResult run_whole(std::string const& to, std::filesystem::path const& job, int ranks = 1,
                                 std::vector<std::string> const& more = {}) {
        return run_child(on_ranks(ranks, words(*folder_ / to, job, more)), GATESWEEP_SOURCE_DIR,
                         *folder_ / "output.txt", rank_environment, patience);
    }
    static ChildResult go_on(int ranks = 1, std::vector<std::string> const& more = {}) {
        return run_whole("out", job(), ranks, more);
    }
    static ChildResult gatesweep(std::vector<std::string> const& arguments) {
        return run_child(on_ranks(1, arguments), GATESWEEP_SOURCE_DIR, *folder_ / "output.txt", rank_environment,
                         patience);
    }
    // As status tells a requeue guard.
    static std::int64_t num_committed() {
        return std::atoll(gatesweep({"status", out().string(), "--count"}).output.c_str());
    }

    static std::vector<RecordLog> logs() {
        std::vector<RecordLog> logs;
        for (auto const& file : list_logs(out() / "log", "work"))
            logs.push_back(read_log(file));
        return logs;
    }

    // Ends a run in the folder after its screen, with work committed and work left.
    static void begin(int ranks = 1) {
        BackgroundRun run(on_ranks(ranks, words(out(), job())), GATESWEEP_SOURCE_DIR, *folder_ / "begun.txt",
                          rank_environment);
        ASSERT_TRUE(
            run.wait_for_output([](auto const& text) { return text.find("screen    100 %") != text.npos; }, patience))
            << run.output();
        run.kill_all();
        ASSERT_TRUE(run.wait_until_gone(patience));
        ASSERT_FALSE(std::filesystem::exists(out() / "COMPLETE")) << run.output();
        ASSERT_GT(num_committed(), 0);
    }

private:
    inline static TemporaryFolder* folder_ = nullptr;
    inline static std::map<std::string, std::string>* reference_ = nullptr;
};

// Exit code, and words that the output holds.
inline void expect(ChildResult const& result, ExitCode code, std::vector<std::string> const& words) {
    EXPECT_EQ(result.exit_code, static_cast<int>(code)) << result.output;
    for (auto const& word : words)
        EXPECT_NE(result.output.find(word), std::string::npos) << '"' << word << "\" is not in:\n" << result.output;
}

}  // namespace gatesweep
