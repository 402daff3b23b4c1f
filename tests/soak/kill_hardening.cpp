// A small hardening of the demo, killed again and again at random moments with everything that it started, and gone on
// with at another number of ranks, against one undisturbed run on one rank: the same adapters and tables, byte by byte.
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "gatesweep/base/error.h"
#include "support/background_run.h"
#include "support/demo_job.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

constexpr double patience = 600.0;  // seconds until something hangs, on machines under load
constexpr int limit = 6;            // prompts of a group

std::vector<std::string> const settings = {
    "parallel.threads=1", "harden.steps=12",          "harden.save=2",
    "harden.evaluate=4",  "harden.batch=4",           "harden.parts=3",
    "harden.patience=5",  "harden.max_new_tokens=12", "harden.compare=[\"random\", \"attention\"]",
};

// Tables and arrays, and every file of the adapters.
std::map<std::string, std::string> results_of(fs::path const& run) {
    std::map<std::string, std::string> digests = digests_of(run);
    for (auto const* const folder : {"adapter", "adapters"}) {
        if (!fs::exists(run / folder)) continue;
        for (auto const& entry : fs::recursive_directory_iterator(run / folder)) {
            if (entry.is_regular_file())
                digests[fs::relative(entry.path(), run).string()] = sha256_hex_of_file(entry.path());
        }
    }
    return digests;
}

// How far a killed start had come, from what it had left.
enum class Reached : std::size_t { nothing, signals, judging_base, training, judging_arms };
constexpr std::array<std::string_view, 5> reached_names = {"before the log", "signals", "judging the base", "training",
                                                           "judging arms"};

Reached reached(fs::path const& run) {
    if (fs::exists(run / "log" / "harden-attention.state")) return Reached::judging_arms;
    if (fs::exists(run / "log" / "harden-selected.state")) return Reached::training;
    if (fs::exists(run / "arrays")) return Reached::judging_base;
    return fs::exists(run / "log") ? Reached::signals : Reached::nothing;
}

class Soak {
public:
    explicit Soak(std::uint64_t seed) : random_(seed) {
        write_demo_job(folder_ / "job.toml", limit, folder_ / "weakened", "jobs/demo/harden.toml");
        start(
            {"merge", "jobs/demo/model", "--adapter", "jobs/demo/weakened", "--out", (folder_ / "weakened").string()});
        length_ = start(words(folder_ / "whole"));
        reference_ = results_of(folder_ / "whole");
        GATESWEEP_VALIDATE(reference_.contains("harden_gates.csv") &&
                               reference_.contains("adapters/attention/adapter_model.safetensors"),
                           ExitCode::internal, "the undisturbed run left no adapters");
        fmt::print("reference: {} files, {:.1f} s\n", reference_.size(), length_);
    }

    // From an empty folder to a complete run, killed at most so many times. Whether the bytes are those of the whole.
    bool harden(std::int64_t max_kills) {
        fs::path const run = folder_ / "run";
        fs::remove_all(run);
        bool whole = false;
        for (std::int64_t k = 0; k < max_kills && !whole; ++k)
            whole = start_and_kill(run);
        if (!whole) start(words(run));
        bool const same = results_of(run) == reference_;
        if (!same) fmt::print("other bytes than the reference\n");
        fmt::print("{}\n", summary());
        std::fflush(stdout);
        return same;
    }

    std::int64_t num_kills() const { return num_kills_; }
    std::string summary() const {
        std::string text = fmt::format("{} kills in {} starts:", num_kills_, num_starts_);
        for (std::size_t i = 0; i < reached_names.size(); ++i)
            text += fmt::format(" {} {}{}", by_reached_[i], reached_names[i], i + 1 < reached_names.size() ? "," : "");
        return text;
    }

private:
    std::vector<std::string> words(fs::path const& out) const {
        std::vector<std::string> words = {"harden", (folder_ / "job.toml").string(), "--out", out.string()};
        for (auto const& setting : settings)
            words.insert(words.end(), {"--set", setting});
        return words;
    }

    // To its end, on one rank; the seconds it took.
    double start(std::vector<std::string> const& arguments) {
        ChildResult const result =
            run_child(on_ranks(1, arguments), GATESWEEP_SOURCE_DIR, folder_ / "run.txt", rank_environment, patience);
        GATESWEEP_VALIDATE(result.exit_code == 0, ExitCode::internal, "{} failed: {}", arguments.front(),
                           result.output);
        return result.seconds;
    }

    // Whether the run came to its end first.
    bool start_and_kill(fs::path const& out) {
        int const ranks = 1 + static_cast<int>(random_() % 2);
        ++num_starts_;
        BackgroundRun run(under_launcher(ranks, words(out)), GATESWEEP_SOURCE_DIR, folder_ / "run.txt",
                          rank_environment);
        double const wait = std::uniform_real_distribution(0.2, 0.5 * length_)(random_);
        std::this_thread::sleep_for(std::chrono::duration<double>(wait));
        if (run.has_ended()) {
            GATESWEEP_VALIDATE(run.exit_code() == 0, ExitCode::internal, "a start failed: {}", run.output());
            return true;
        }
        run.kill_all();
        GATESWEEP_VALIDATE(run.wait_until_gone(patience), ExitCode::internal, "processes outlived the kill: {}",
                           run.output());
        if (fs::exists(out / "COMPLETE")) return true;  // only its last lines were missing
        ++num_kills_;
        ++by_reached_[static_cast<std::size_t>(reached(out))];
        return false;
    }

    TemporaryFolder folder_;
    std::mt19937_64 random_;
    double length_ = 0.0;  // of the undisturbed run, seconds
    std::map<std::string, std::string> reference_;
    std::int64_t num_kills_ = 0, num_starts_ = 0;
    std::array<std::int64_t, reached_names.size()> by_reached_{};
};

int soak(std::int64_t num_kills, std::uint64_t seed) {
    Soak soak(seed);
    std::int64_t num_runs = 0, mismatches = 0;
    while (soak.num_kills() < num_kills) {
        ++num_runs;
        mismatches += soak.harden(num_kills - soak.num_kills()) ? 0 : 1;
    }
    fmt::print("kill_hardening: seed {}: {} runs, {}; mismatches {}\n", seed, num_runs, soak.summary(), mismatches);
    return mismatches == 0 ? 0 : 1;
}

}  // namespace
}  // namespace gatesweep

int main(int argc, char** argv) {
    auto const number = [&](int at, long long otherwise) { return at < argc ? std::atoll(argv[at]) : otherwise; };
    try {
        return gatesweep::soak(number(1, 50), static_cast<std::uint64_t>(number(2, 1)));
    } catch (std::exception const& error) {
        fmt::print("kill_hardening: {}\n", error.what());
        return 1;
    }
}
