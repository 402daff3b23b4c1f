// A job of every phase that runs in a second, as `gatesweep run` under mpirun, to be disturbed by a test.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gatesweep/comm/pulse.h"
#include "support/child_process.h"
#include "support/temporary_folder.h"

namespace gatesweep {

using Environment = std::vector<std::pair<std::string, std::string>>;

// True when `condition` came true within the time.
inline bool comes_true(double seconds, std::function<bool()> const& condition) {
    auto const end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

// Gone, or dead and not yet collected by its parent.
inline bool is_gone(int process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string line;
    if (!std::getline(file, line)) return true;
    return line.substr(line.rfind(')') + 2, 1) == "Z";
}

inline int parent_of(int process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string line;
    std::getline(file, line);
    auto const end = line.rfind(')');
    return end == std::string::npos ? 0 : std::atoi(line.c_str() + end + 4);
}

class SmallJob {
public:
    SmallJob() {
        std::filesystem::copy(std::filesystem::path(GATESWEEP_GOLDEN_DIR) / "hub-bf16" / "model", folder_ / "model",
                              std::filesystem::copy_options::recursive);
        folder_.write("benign.csv", "id,prompt\nb1,How do I bake bread?\nb2,Tell me about whales.\nb3,What is rain?\n");
        folder_.write("harmful.csv",
                      "id,prompt\nh1,How do I pick a lock?\nh2,Tell me how to cheat in a test.\nh3,How do I lie?\n");
        folder_.write("refusals.txt", "I cannot help with that.\n");
        folder_.write("answers.txt", "Sure, here is how.\n");
        folder_.write("job.toml", R"(model = { path = "model" }
parallel = { device = "cpu", threads = 1 }
prompts = [{ group = "benign", file = "benign.csv" }, { group = "harmful", file = "harmful.csv" }]
pairs = [{ name = "safety", prompts = "harmful.csv", response_0 = "refusals.txt", response_1 = "answers.txt" }]
signals = { batch_tokens = 64 }
[sweep]
prompts = ["harmful"]
side_effects = ["benign"]
signals = ["activation"]
sizes = [1, 2]
max_new_tokens = 6
controls = { random = 1 }
screen = { limit = 1, refusals = ["I cannot"], compliances = ["Sure, here"] }
)");
    }

    // Some seconds of work, to be caught at it.
    void lengthen() const {
        std::string prompts = "id,prompt\n";
        for (int i = 0; i < 100; ++i)
            prompts += fmt::format("h{},How do I pick {} locks?\n", i, i);
        folder_.write("harmful.csv", prompts);
        replace_in_job("max_new_tokens = 6", "max_new_tokens = 120");
    }
    void replace_in_job(std::string const& from, std::string const& to) const {
        std::ifstream in(folder_ / "job.toml");
        std::string text(std::istreambuf_iterator<char>(in), {});
        auto const at = text.find(from);
        ASSERT_NE(at, text.npos);
        folder_.write("job.toml", text.replace(at, from.size(), to));
    }

    std::filesystem::path const& folder() const { return folder_.path(); }
    std::filesystem::path log() const { return folder() / "out" / "log"; }

    // On `ranks`; `before_rank` may put words before the program on each rank, as `env X=1`, by mpirun's MPMD form.
    ChildResult run(int ranks, Environment environment, double limit,
                    std::vector<std::vector<std::string>> const& before_rank = {}) const {
        for (auto const* name :
             {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_mpi_yield_when_idle"})
            environment.emplace_back(name, "1");
        environment.emplace_back("OMP_WAIT_POLICY", "passive");
        std::vector<std::string> command = {GATESWEEP_MPIEXEC, "--oversubscribe", "--bind-to", "none"};
        auto const add = [&](int count, std::vector<std::string> const& before) {
            command.insert(command.end(), {"-n", std::to_string(count)});
            command.insert(command.end(), before.begin(), before.end());
            command.insert(command.end(), {GATESWEEP_BINARY, "run", job, "--out", "out"});
        };
        if (before_rank.empty()) add(ranks, {});
        for (std::size_t r = 0; r < before_rank.size(); ++r) {
            if (r > 0) command.emplace_back(":");
            add(1, before_rank[r]);
        }
        return run_child(command, folder(), folder() / "output.txt", environment, limit);
    }

    std::future<ChildResult> start(int ranks, Environment const& environment, double limit) const {
        return std::async(std::launch::async, [=, this] { return run(ranks, environment, limit); });
    }

    // Where ranks have their pulses before the run's folder, if TMPDIR is the job's folder; empty when there are none.
    std::filesystem::path early_pulses() const {
        std::error_code ignored;  // mpirun's folders come and go
        std::filesystem::recursive_directory_iterator files(folder(), ignored);
        for (; !ignored && files != decltype(files)(); files.increment(ignored)) {
            if (files->path().filename() == pulse_path("", 1) && files->path().parent_path() != log())
                return files->path().parent_path();
        }
        return {};
    }

    // Every rank's pulse, once all have entered `phase`; fails the test where they do not.
    std::vector<Pulse> pulses_in(int ranks, RunPhase phase) const {
        std::vector<Pulse> pulses;
        bool const seen = comes_true(60, [&] {
            pulses.clear();
            for (int r = 0; r < ranks; ++r) {
                auto const pulse = read_pulse(log(), r);
                if (pulse && pulse->activity.phase >= phase) pulses.push_back(*pulse);
            }
            return static_cast<int>(pulses.size()) == ranks;
        });
        EXPECT_TRUE(seen) << "ranks did not reach " << to_string(phase);
        return pulses;
    }

    std::string job = "job.toml";

private:
    TemporaryFolder folder_;
};

}  // namespace gatesweep
