// Sweeps of the demo, killed again and again at random moments and gone on with at another number of ranks, against one
// undisturbed run on one rank: nothing committed is lost, nothing is done twice, the bytes are the same.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <random>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "phase.h"
#include "support/background_run.h"
#include "support/demo_job.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

constexpr double patience = 300.0;  // seconds until something hangs, on machines under load

std::vector<std::string> const settings = {
    "parallel.threads=1",
    "sweep.signals=[\"activation\"]",
    "sweep.sizes=[1, 3, 5]",
    "sweep.gap_thresholds={ activation = [0.05] }",
    "sweep.modes=[\"mask\", \"steer\"]",
    "sweep.scopes=[\"both\", \"decode\"]",
    "sweep.max_new_tokens=16",
    "sweep.screen.limit=2",
    "sweep.controls={ random = 1, bottom = false, reverse = true }",
};

enum class Victim : int { rank, launcher, everything };
constexpr std::array<std::string_view, 3> victim_names = {"rank", "launcher", "process group"};

struct Tally {
    std::int64_t sweeps = 0, starts = 0, kills = 0;
    std::array<std::int64_t, 3> by_victim{};
    std::array<std::int64_t, num_phases> by_phase{};
    std::array<std::int64_t, 5> by_ranks{};
    std::int64_t torn_tails = 0;
    std::int64_t lost = 0, doubled = 0, mismatches = 0, failures = 0;
    double slowest_end = 0.0;  // seconds from a kill until every process of the run was gone

    bool is_clean() const { return lost == 0 && doubled == 0 && mismatches == 0 && failures == 0; }
    std::string summary() const;
};

std::string Tally::summary() const {
    std::vector<std::string> victims, phases, ranks;
    for (std::size_t i = 0; i < by_victim.size(); ++i)
        victims.push_back(fmt::format("{} {}", by_victim[i], victim_names[i]));
    for (int i = 0; i < num_phases; ++i)
        phases.push_back(
            fmt::format("{} {}", to_string(static_cast<RunPhase>(i)), by_phase[static_cast<std::size_t>(i)]));
    for (std::size_t i = 1; i < by_ranks.size(); ++i)
        ranks.push_back(fmt::format("{} on {}", by_ranks[i], i));
    return fmt::format(
        "{} kills ({}) over {} sweeps in {} starts ({} ranks); in {}; {} torn tails; slowest end {:.1f} s; lost {}, "
        "double {}, "
        "sha256 mismatches {}, failures {}",
        kills, fmt::join(victims, ", "), sweeps, starts, fmt::join(ranks, ", "), fmt::join(phases, ", "), torn_tails,
        slowest_end, lost, doubled, mismatches, failures);
}

using RecordName = std::pair<std::string, std::string>;

class Soak {
public:
    explicit Soak(std::uint64_t seed) : random_(seed) {
        write_demo_job(folder_ / "job.toml", 4);
        ChildResult const result = run_child(on_ranks(1, words(folder_ / "whole")), GATESWEEP_SOURCE_DIR,
                                             folder_ / "whole.txt", rank_environment, patience);
        GATESWEEP_VALIDATE(result.exit_code == 0, ExitCode::internal, "the undisturbed run failed: {}", result.output);
        reference_ = digests_of(folder_ / "whole");
        GATESWEEP_VALIDATE(reference_.contains("trials.csv") && reference_.contains("screen.csv"), ExitCode::internal,
                           "the undisturbed run left no sweep: {}", result.output);
        num_rows_ = num_lines(folder_ / "whole" / "completions.jsonl");
        fmt::print("reference: {} files, {} completions, {:.1f} s\n", reference_.size(), num_rows_, result.seconds);
    }

    // One sweep with at most `max_kills` of them.
    void sweep(std::int64_t max_kills) {
        run_ = folder_ / "run";
        fs::remove_all(run_);
        known_.clear();
        RunPhase reached = RunPhase::start;
        bool whole = false;
        for (std::int64_t k = 0; k < max_kills && !whole; ++k)
            whole = start_and_kill(next_target(reached), reached);
        if (!whole) start_and_kill(RunPhase::over, reached);
        ++tally_.sweeps;
        check_result();
    }

    Tally const& tally() const { return tally_; }

private:
    std::vector<std::string> words(fs::path const& out) const {
        std::vector<std::string> words = {"run", (folder_ / "job.toml").string(), "--out", out.string()};
        for (auto const& setting : settings)
            words.insert(words.end(), {"--set", setting});
        return words;
    }

    std::uint64_t below(std::uint64_t n) { return random_() % n; }

    // Mostly where the sweep stands, so that its parts are killed in their course; every start loads again.
    RunPhase next_target(RunPhase reached) {
        std::uint64_t const draw = below(8);
        if (draw < 2) return static_cast<RunPhase>(draw);
        int const next = std::max(static_cast<int>(reached), static_cast<int>(RunPhase::signals)) + (draw < 4 ? 0 : 1);
        return static_cast<RunPhase>(std::min(next, num_phases - 1));
    }

    // True when the run came to its end first. `reached`: the furthest phase of all starts of the sweep.
    bool start_and_kill(RunPhase target, RunPhase& reached) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));  // file times are no finer
        write_file_atomically(folder_ / "since", "");
        auto const since = fs::last_write_time(folder_ / "since");
        int const ranks = 1 + static_cast<int>(below(4));
        ++tally_.starts;
        ++tally_.by_ranks[static_cast<std::size_t>(ranks)];
        // With a launcher also where there is one rank, so that either can be killed alone.
        BackgroundRun run(under_launcher(ranks, words(run_)), GATESWEEP_SOURCE_DIR, folder_ / "run.txt",
                          rank_environment);
        bool const in_time = wait_for(run, target, since);
        if (in_time)
            std::this_thread::sleep_for(std::chrono::milliseconds(below(target == RunPhase::start ? 1000
                                                                        : below(2)                ? 300
                                                                                                  : 30)));
        if (run.has_ended()) return end_of(run);
        if (!in_time) {
            fail(fmt::format("nothing came within {} s of a start on {}", patience, ranks), run.output());
            return true;
        }
        auto const began = std::chrono::steady_clock::now();
        Victim const victim = kill_part(run);
        if (!run.wait_until_gone(patience))
            fail(fmt::format("processes of a run outlived a killed {}", victim_names[static_cast<std::size_t>(victim)]),
                 run.output());
        tally_.slowest_end = std::max(tally_.slowest_end,
                                      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
        RunPhase const hit = phase_of(run_, since);
        if (hit == RunPhase::over) return true;  // COMPLETE was there: only its last lines were missing
        ++tally_.kills;
        ++tally_.by_victim[static_cast<std::size_t>(victim)];
        ++tally_.by_phase[static_cast<std::size_t>(hit)];
        reached = std::max(reached, hit);
        check_logs();
        return false;
    }

    bool wait_for(BackgroundRun& run, RunPhase target, fs::file_time_type since) const {
        auto const end = std::chrono::steady_clock::now() + std::chrono::duration<double>(patience);
        while (target == RunPhase::over || phase_of(run_, since) < target) {
            if (run.has_ended()) return true;
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return true;
    }

    // Half the kills a rank, a quarter the launcher, a quarter all at once.
    Victim kill_part(BackgroundRun& run) {
        std::uint64_t const draw = below(4);
        auto const ranks = run.ranks(GATESWEEP_BINARY);
        if (draw < 2 && !ranks.empty()) {
            ::kill(ranks[below(ranks.size())], SIGKILL);
            return Victim::rank;
        }
        if (draw == 3) {
            run.kill_all();
            return Victim::everything;
        }
        ::kill(run.pid(), SIGKILL);
        return Victim::launcher;
    }

    bool end_of(BackgroundRun& run) {
        if (run.exit_code() > 0) fail(fmt::format("a start ended with exit code {}", run.exit_code()), run.output());
        return true;
    }

    // Every record that was there is there, with the same bytes, and no result was computed by two starts or ranks.
    // What the first variant of a text gives is part of several units of work, and so in several places.
    void check_logs() {
        std::map<RecordName, std::string> now;
        try {
            for (RecordLog const& log : read_work(run_)) {
                for (LogRecord const& record : log.records) {
                    auto const [at, is_new] = now.try_emplace({record.kind, record.key}, record.digest);
                    bool const may_repeat = record.kind == "text" || record.kind == "margin";
                    if (!is_new && (at->second != record.digest || !may_repeat)) ++tally_.doubled;
                }
            }
        } catch (Error const& error) {
            fail("the logs cannot be read", error.what());
            return;
        }
        for (auto const& [name, digest] : known_) {
            auto const at = now.find(name);
            if (at == now.end() || at->second != digest) ++tally_.lost;
        }
        known_ = std::move(now);
    }

    void check_result() {
        check_logs();
        for (RecordLog const& log : read_work(run_))
            tally_.torn_tails += log.torn_bytes > 0 ? 1 : 0;
        if (digests_of(run_) != reference_) {
            ++tally_.mismatches;
            fmt::print("sweep {}: other bytes than the reference\n", tally_.sweeps);
        }
        std::map<std::string, std::int64_t> counts;
        for (auto const& [name, digest] : known_)
            ++counts[name.first];
        if (counts != planned_records(run_))
            fail("the logs do not hold what was planned", fmt::format("{} kinds", counts.size()));
        if (num_lines(run_ / "completions.jsonl") != num_rows_)
            fail("completions.jsonl has another number of rows", "");
        ChildResult const status = run_child({GATESWEEP_BINARY, "status", run_.string()}, GATESWEEP_SOURCE_DIR,
                                             folder_ / "status.txt", rank_environment, patience);
        if (status.exit_code != 0) fail("status does not say complete", status.output);
    }

    static std::int64_t num_lines(fs::path const& file) {
        std::string const text = fs::exists(file) ? read_file(file) : "";
        return std::count(text.begin(), text.end(), '\n');
    }

    void fail(std::string const& what, std::string const& output) {
        ++tally_.failures;
        fmt::print("FAILURE in sweep {}, start {}: {}\n{}\n", tally_.sweeps, tally_.starts, what, output);
        std::fflush(stdout);
    }

    TemporaryFolder folder_;
    fs::path run_;
    std::mt19937_64 random_;
    std::map<std::string, std::string> reference_;
    std::int64_t num_rows_ = 0;
    std::map<RecordName, std::string> known_;  // committed so far, with digests
    Tally tally_;
};

int soak(std::int64_t num_kills, std::int64_t num_sweeps, std::uint64_t seed) {
    Soak soak(seed);
    std::int64_t const per_sweep = (num_kills + num_sweeps - 1) / num_sweeps;
    while (soak.tally().kills < num_kills || soak.tally().sweeps < num_sweeps) {
        soak.sweep(std::min(per_sweep, std::max<std::int64_t>(0, num_kills - soak.tally().kills)));
        fmt::print("{}\n", soak.tally().summary());
        std::fflush(stdout);
        if (soak.tally().failures > 20) break;
    }
    fmt::print("kill_sweeps: seed {}: {}\n", seed, soak.tally().summary());
    return soak.tally().is_clean() ? 0 : 1;
}

}  // namespace
}  // namespace gatesweep

int main(int argc, char** argv) {
    auto const number = [&](int at, long long otherwise) { return at < argc ? std::atoll(argv[at]) : otherwise; };
    try {
        return gatesweep::soak(number(1, 1000), number(2, 100), static_cast<std::uint64_t>(number(3, 1)));
    } catch (std::exception const& error) {
        fmt::print("kill_sweeps: {}\n", error.what());
        return 1;
    }
}
