// A whole run with a fault at every one of its file operations, input and output: it ends well, or with an error that
// names path and reason, or is killed there; whatever it was, COMPLETE never stands over other bytes, and a plain start
// afterwards leaves those of an undisturbed run. From an empty folder, and going on from work that a kill left.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "gatesweep/base/error.h"
#include "gatesweep/base/faults.h"
#include "gatesweep/base/file.h"
#include "gatesweep/store/run_directory.h"
#include "support/child_process.h"
#include "support/demo_job.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

constexpr double patience = 120.0;  // seconds until something hangs, on machines under load

constexpr std::string_view job = R"([model]
path = "model"

[parallel]
device = "cpu"
threads = 1

[[prompts]]
group = "benign"
file  = "benign.csv"

[[prompts]]
group = "harmful"
file  = "harmful.csv"

[sweep]
side_effects = ["benign"]
max_new_tokens = 3
signals = ["activation"]
classes = ["malicious-dominant"]
sizes = [1]
controls = { random = 1 }
screen = { limit = 1, refusals = ["No"], compliances = ["Yes"] }
)";

// Everything that must not depend on how often the run was begun, and that nothing unfinished lies about.
std::map<std::string, std::string> results_in(fs::path const& run) {
    std::map<std::string, std::string> files;
    if (!fs::exists(run)) return files;
    for (auto const& entry : fs::recursive_directory_iterator(run)) {
        auto const name = fs::relative(entry.path(), run).string();
        bool const tells_of_starts = name == "manifest.json" || name == "COMPLETE" || name == "report.html" ||
                                     name == "timings.csv" || name == ".gatesweep" ||
                                     (name.starts_with("log/") && name.find(".tmp") == name.npos);
        if (entry.is_regular_file() && !tells_of_starts) files[name] = sha256_hex_of_file(entry.path());
    }
    return files;
}

bool gives_error(Fault fault) {
    return fault == Fault::eio || fault == Fault::enospc || fault == Fault::erofs;
}
bool crashes(Fault fault) {
    return fault == Fault::crash_before || fault == Fault::crash_half || fault == Fault::crash_after;
}

struct Scene {
    std::string name;
    int ranks = 1;
    int rank = 0;          // that has the fault
    bool resumed = false;  // goes on from a killed run's folder
};

struct Outcomes {
    std::int64_t right = 0, errors = 0, kills = 0, failures = 0;
    std::int64_t num_operations = 0;
};

class Faults {
public:
    explicit Faults(Scene scene) : scene_(std::move(scene)) {
        fs::copy(fs::path(GATESWEEP_GOLDEN_DIR) / "hub-bf16" / "model", folder_ / "model", fs::copy_options::recursive);
        folder_.write("benign.csv", "id,prompt\nb1,How do I bake bread?\nb2,Tell me about whales.\n");
        folder_.write("harmful.csv", "id,prompt\nh1,How do I pick a lock?\nh2,Tell me how to cheat in a test.\n");
        folder_.write("job.toml", job);
        ChildResult const whole = run();
        require(whole.exit_code == 0, "the undisturbed run failed: " + whole.output);
        reference_ = results_in(out());
        require(reference_.contains("tables/trials.csv") && reference_.contains("tables/screen.csv"),
                "the undisturbed run left no sweep");
        if (scene_.resumed) prepare_killed();
        begin();
        require(run("trace:" + (folder_ / "trace").string()).exit_code == 0, "the traced run failed");
        require(results_in(out()) == reference_, "the traced run left other bytes");
        read_trace();
    }

    // At `num_wanted` operations, evenly spaced; 0: at all.
    Outcomes walk(Fault fault, bool persists, std::size_t num_wanted) {
        Outcomes outcomes;
        std::size_t const num = num_wanted == 0 ? operations_.size() : std::min(num_wanted, operations_.size());
        for (std::size_t i = 0; i < num; ++i) {
            std::size_t const at = (2 * i + 1) * operations_.size() / (2 * num);
            ++outcomes.num_operations;
            begin();
            ChildResult const result = run(fmt::format("{}@{}{}", to_string(fault), at, persists ? "+" : ""));
            std::string const wrong = judge(fault, persists, operations_[at], result, outcomes);
            if (wrong.empty()) continue;
            ++outcomes.failures;
            fmt::print("FAILURE: {}, {}{} at operation {} of {}, {}: {}\n{}\n", scene_.name, to_string(fault),
                       persists ? " from then on" : "", at, operations_.size(), operations_[at], wrong, result.output);
            std::fflush(stdout);
        }
        return outcomes;
    }
    std::size_t num_operations() const { return operations_.size(); }

private:
    fs::path out() const { return folder_ / "out"; }

    static void require(bool right, std::string const& otherwise) {
        if (!right) throw std::runtime_error(otherwise);
    }

    ChildResult run(std::string const& faults = "") const { return run(faults, scene_.rank); }
    ChildResult run(std::string const& faults, int faulty_rank) const {
        std::vector<std::string> command;
        if (scene_.ranks > 1) command = {GATESWEEP_MPIEXEC, "--oversubscribe", "--bind-to", "none"};
        for (int rank = 0; rank < scene_.ranks; ++rank) {
            if (rank > 0) command.push_back(":");
            if (scene_.ranks > 1) command.insert(command.end(), {"-n", "1"});
            // Without gnuplot: what it does with files is its own affair.
            command.insert(command.end(), {"/usr/bin/env", "PATH=/nowhere"});
            if (rank == faulty_rank && !faults.empty()) command.push_back("GATESWEEP_FAULTS=" + faults);
            command.insert(command.end(), {GATESWEEP_BINARY, "run", "job.toml", "--out", "out"});
        }
        return run_child(command, folder_.path(), folder_ / "output.txt", rank_environment, patience);
    }

    void begin() const {
        fs::remove_all(out());
        if (scene_.resumed) fs::copy(folder_ / "killed", out(), fs::copy_options::recursive);
    }

    // All work in the logs, none of the sweep's tables.
    void prepare_killed() {
        fs::remove_all(out());
        run("crash_before@0:tables/trials.csv", scene_.ranks - 1);  // the last rank writes
        require(fs::exists(out() / "tables/screen.csv") && !fs::exists(out() / "tables/trials.csv"),
                "no run was killed before its tables");
        fs::rename(out(), folder_ / "killed");
    }

    void read_trace() {
        for (auto const& entry : fs::directory_iterator(folder_.path())) {
            if (!entry.path().filename().string().starts_with("trace.")) continue;
            std::ifstream file(entry.path());
            for (std::string line; std::getline(file, line);)
                operations_.push_back(line);
        }
        require(operations_.size() > 60, "the trace is too short for a whole run");
    }

    bool was_killed(ChildResult const& result) const {
        return result.exit_code == (scene_.ranks > 1 ? 128 + SIGKILL : -1);
    }

    // Where an error may stay without a word: in closing what was only read or is on disk already, and in forgetting
    // who held the lock.
    static bool may_be_ignored(std::string_view operation) {
        bool const is_being_written = operation.find(".tmp") != operation.npos;
        return (operation.starts_with("close") && !is_being_written) || operation.starts_with("truncate");
    }

    // What is wrong; empty when nothing is.
    std::string judge(Fault fault, bool persists, std::string const& operation, ChildResult const& result,
                      Outcomes& outcomes) const {
        if (result.timed_out) return "hangs";
        if (is_complete(out()) && results_in(out()) != reference_) return "COMPLETE stands over other bytes";
        if (result.exit_code == 0) {
            ++outcomes.right;
            if (crashes(fault)) return "was not killed";
            if (gives_error(fault) && !persists && !may_be_ignored(operation)) return "the error went unnoticed";
            return check("it ended as if all was well, but");
        }
        if (was_killed(result)) {
            ++outcomes.kills;
            if (!crashes(fault)) return "ended by a signal";
        } else {
            ++outcomes.errors;
            if (!gives_error(fault)) return fmt::format("ended with exit code {}", result.exit_code);
            int const number = fault == Fault::eio ? EIO : fault == Fault::enospc ? ENOSPC : EROFS;
            fs::path const path = operation.substr(operation.find(' ') + 1);
            std::string const file = path.filename().string();
            if (result.exit_code < 64 || result.exit_code > 78 ||
                result.exit_code == static_cast<int>(ExitCode::internal))
                return fmt::format("ended with exit code {}", result.exit_code);
            if (result.output.find(std::strerror(number)) == std::string::npos) return "the message does not say why";
            if (!persists && result.output.find(file.substr(0, file.find(".tmp"))) == std::string::npos)
                return "the message does not name the file";
        }
        ChildResult const next = run();
        if (next.exit_code != 0)
            return fmt::format("the next start ended with exit code {}: {}", next.exit_code, next.output);
        return check("after the next start");
    }

    std::string check(std::string const& when) const {
        if (!is_complete(out())) return when + " it is not complete";
        auto const changed = changed_files(out(), read_manifest(out()));
        if (!changed.empty()) return fmt::format("{} {} is not what the manifest says", when, changed.front());
        auto const results = results_in(out());
        if (results == reference_) return "";
        for (auto const& [name, digest] : reference_) {
            if (!results.contains(name) || results.at(name) != digest)
                return fmt::format("{} {} is missing or differs", when, name);
        }
        for (auto const& [name, digest] : results) {
            if (!reference_.contains(name)) return fmt::format("{} {} lies there", when, name);
        }
        return when + " something differs";
    }

    Scene scene_;
    TemporaryFolder folder_;
    std::map<std::string, std::string> reference_;
    std::vector<std::string> operations_;  // "CALL PATH"
};

void add(Outcomes& sum, Outcomes const& more) {
    sum.num_operations += more.num_operations;
    sum.right += more.right;
    sum.errors += more.errors;
    sum.kills += more.kills;
    sum.failures += more.failures;
}

std::string describe(Outcomes const& x) {
    return fmt::format("{} right, {} errors, {} kills, {} failures", x.right, x.errors, x.kills, x.failures);
}

// Fresh runs and continued ones, with the fault on each rank in turn.
std::vector<Scene> scenes_of(int ranks) {
    std::vector<Scene> scenes;
    for (bool const resumed : {false, true}) {
        for (int rank = 0; rank < ranks; ++rank) {
            std::string const where = ranks > 1 ? fmt::format(" on rank {} of {}", rank, ranks) : "";
            scenes.push_back({(resumed ? "continued run" : "fresh run") + where, ranks, rank, resumed});
        }
    }
    return scenes;
}

int walk_all(std::size_t num_wanted, int ranks) {
    Outcomes all;
    std::size_t num_operations = 0;
    for (Scene const& scene : scenes_of(ranks)) {
        Faults faults(scene);
        num_operations += faults.num_operations();
        // Like a disk that stays full: at a tenth of the places, since the first error ends the run.
        std::size_t const num_lasting =
            std::max<std::size_t>(1, (num_wanted == 0 ? faults.num_operations() : num_wanted) / 10);
        for (Fault const fault : all_faults()) {
            for (bool const persists : {false, true}) {
                if (persists && !gives_error(fault)) continue;
                Outcomes const some = faults.walk(fault, persists, persists ? num_lasting : num_wanted);
                fmt::print("{}, {}{} at {} of {} operations: {}\n", scene.name, to_string(fault),
                           persists ? " from there on" : "", some.num_operations, faults.num_operations(),
                           describe(some));
                std::fflush(stdout);
                add(all, some);
            }
        }
    }
    fmt::print("io_faults: {} rank{}, {} operations, {}: {} faults: {}\n", ranks, ranks == 1 ? "" : "s", num_operations,
               num_wanted == 0 ? std::string("each") : fmt::format("{} of each run", num_wanted), all.num_operations,
               describe(all));
    return all.failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace gatesweep

int main(int argc, char** argv) {
    try {
        return gatesweep::walk_all(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 0,
                                   argc > 2 ? std::atoi(argv[2]) : 1);
    } catch (std::exception const& error) {
        fmt::print("io_faults: {}\n", error.what());
        return 1;
    }
}
