// The commands on stored runs, through the real program: one small run of the demo for all tests of a binary, copied
// for every test that changes it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "support/child_process.h"
#include "support/temporary_folder.h"

namespace gatesweep {

inline std::string job_text(std::string const& more = "") {
    std::string const source = GATESWEEP_SOURCE_DIR;
    std::string job = "[model]\npath = '" + source + "/jobs/demo/model'\n[parallel]\ndevice = \"cpu\"\nthreads = 1\n";
    for (std::string const group : {"benign", "harmful"})
        job +=
            "[[prompts]]\ngroup = '" + group + "'\nfile = '" + source + "/prompts/demo/" + group + ".csv'\nlimit = 6\n";
    return job + "[report]\nmark = 'marks.csv'\n" + more;
}

inline constexpr char const* sweep_text =
    "[sweep]\nside_effects = ['benign']\nmax_new_tokens = 8\nsignals = ['activation']\n"
    "classes = ['malicious-dominant', 'benign-dominant']\nsizes = [1, 5]\ncontrols = { random = 2, bottom = true }\n";

class Scene {
public:
    Scene() {
        folder.write("marks.csv", "layer,expert\n2,5\n0,3\n");
        folder.write("job.toml", job_text(sweep_text));
    }

    // gatesweep in the folder; under mpirun where num_ranks is above 1.
    ChildResult run(std::vector<std::string> const& arguments, int num_ranks = 1) const {
        std::vector<std::string> command;
        if (num_ranks > 1)
            command = {GATESWEEP_MPIEXEC, "--oversubscribe", "--bind-to", "none", "-n", std::to_string(num_ranks)};
        command.push_back(GATESWEEP_BINARY);
        command.insert(command.end(), arguments.begin(), arguments.end());
        return run_child(command, folder.path(), folder / "output.txt",
                         {{"OMPI_ALLOW_RUN_AS_ROOT", "1"},
                          {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
                          {"OMPI_MCA_mpi_yield_when_idle", "1"},
                          {"OMP_WAIT_POLICY", "passive"}},
                         120.0);
    }

    TemporaryFolder folder;
};

// Exit code, and words that the output holds.
inline void expect(ChildResult const& result, ExitCode code, std::vector<std::string> const& words) {
    EXPECT_EQ(result.exit_code, static_cast<int>(code)) << result.output;
    for (auto const& word : words)
        EXPECT_NE(result.output.find(word), std::string::npos) << '"' << word << "\" is not in:\n" << result.output;
}

class StoredRun : public testing::Test {
protected:
    static void SetUpTestSuite() {
        scene_ = new Scene;
        ChildResult const result = scene_->run({"run", "job.toml", "--out", "whole"});
        if (result.exit_code != 0) throw std::runtime_error("the run failed: " + result.output);
    }
    static void TearDownTestSuite() {
        delete scene_;
        scene_ = nullptr;
    }

    void SetUp() override {
        std::filesystem::remove_all(out());
        std::filesystem::copy(whole(), out(), std::filesystem::copy_options::recursive);
    }

    static Scene const& scene() { return *scene_; }
    static std::filesystem::path whole() { return scene().folder / "whole"; }  // never changed
    static std::filesystem::path out() { return scene().folder / "out"; }
    static ChildResult gatesweep(std::vector<std::string> const& arguments, int num_ranks = 1) {
        return scene().run(arguments, num_ranks);
    }
    static void replace(std::filesystem::path const& file, std::string const& from, std::string const& to) {
        std::string text = read_file(file);
        auto const at = text.find(from);
        ASSERT_NE(at, std::string::npos) << file << " does not hold " << from;
        write_file_atomically(file, text.replace(at, from.size(), to));
    }

private:
    inline static Scene* scene_ = nullptr;
};

}  // namespace gatesweep
