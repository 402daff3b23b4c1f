// A program in the background with everything that it started (mpirun and its ranks), to be stopped or killed in part
// at a chosen moment. Processes are found under /proc.
#pragma once

#include <signal.h>
#include <sys/prctl.h>

#include <functional>
#include <map>
#include <optional>
#include <sstream>

#include "support/child_process.h"

namespace gatesweep {

class BackgroundRun {
public:
    BackgroundRun(std::vector<std::string> const& command, std::filesystem::path const& folder,
                  std::filesystem::path output, std::vector<std::pair<std::string, std::string>> const& environment)
        : output_(std::move(output)) {
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // ranks whose launcher is gone become ours, so that their end is seen
        std::ofstream(output_).flush();
        pid_ = ::fork();
        if (pid_ < 0) throw std::runtime_error("fork failed");
        if (pid_ == 0) detail::become(command, folder, output_, environment);
        if (auto const process = read_process(pid_)) seen_.emplace(pid_, process->start);
    }
    ~BackgroundRun() {
        for (int i = 0; i < 100 && !all_gone(); ++i) {
            kill_all();
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }
    BackgroundRun(BackgroundRun const&) = delete;
    BackgroundRun& operator=(BackgroundRun const&) = delete;

    pid_t pid() const { return pid_; }

    std::string output() const {
        std::ifstream file(output_, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    // Looks until `seen` says yes to the output (true) or the program ended or the time is up (false).
    bool wait_for_output(std::function<bool(std::string const&)> const& seen, double limit) {
        auto const end = std::chrono::steady_clock::now() + std::chrono::duration<double>(limit);
        while (std::chrono::steady_clock::now() < end) {
            if (seen(output())) return true;
            if (has_ended()) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return false;
    }

    // The program itself, not what it may have left behind.
    bool has_ended() {
        if (!ended_ && ::waitpid(pid_, &status_, WNOHANG) == pid_) ended_ = true;
        return ended_;
    }

    // After its end: the exit code, -1 when a signal ended it.
    int exit_code() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }

    // Until it and all that it started are gone; false when the time is up first.
    bool wait_until_gone(double limit) {
        auto const end = std::chrono::steady_clock::now() + std::chrono::duration<double>(limit);
        while (!all_gone()) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        return true;
    }

    // Itself and its descendants that are alive. Once it ended, every child of this process counts: an orphan.
    std::vector<pid_t> processes() {
        std::map<pid_t, Process> const all = all_processes();
        for (bool grown = true; std::exchange(grown, false);) {
            for (auto const& [pid, process] : all) {
                bool const descends = is_ours(process.parent, all) || (ended_ && process.parent == ::getpid());
                if (descends && seen_.try_emplace(pid, process.start).second) grown = true;
            }
        }
        std::vector<pid_t> alive;
        for (auto const& [pid, start] : seen_) {
            if (is_ours(pid, all)) alive.push_back(pid);
        }
        return alive;
    }

    // Those among them that run `program`: the ranks.
    std::vector<pid_t> ranks(std::filesystem::path const& program) {
        std::vector<pid_t> found;
        std::error_code ignored;
        auto const wanted = std::filesystem::canonical(program);
        for (pid_t pid : processes()) {
            if (std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", ignored) == wanted)
                found.push_back(pid);
        }
        return found;
    }

    void kill_all() {
        for (pid_t pid : processes())
            ::kill(pid, SIGKILL);
    }

private:
    struct Process {
        pid_t parent = 0;
        std::string start;  // ticks since boot; tells a process from a later one of the same id
    };

    // What /proc/PID/stat says; the command's name may hold blanks.
    static std::optional<Process> read_process(pid_t pid) {
        std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
        std::string line, skipped;
        if (!std::getline(file, line) || line.rfind(')') == line.npos) return std::nullopt;
        std::istringstream fields(line.substr(line.rfind(')') + 1));
        Process process;
        fields >> skipped >> process.parent;
        for (int i = 5; i < 22; ++i)
            fields >> skipped;
        fields >> process.start;
        return process;
    }
    static std::map<pid_t, Process> all_processes() {
        std::map<pid_t, Process> all;
        for (auto const& entry : std::filesystem::directory_iterator("/proc")) {
            pid_t const pid = std::atoi(entry.path().filename().c_str());
            if (pid <= 0) continue;
            if (auto process = read_process(pid)) all.emplace(pid, *std::move(process));
        }
        return all;
    }
    bool is_ours(pid_t pid, std::map<pid_t, Process> const& all) const {
        auto const seen = seen_.find(pid);
        auto const now = all.find(pid);
        return seen != seen_.end() && now != all.end() && now->second.start == seen->second;
    }

    bool all_gone() {
        bool const ended = has_ended();
        for (pid_t pid : processes()) {
            if (pid != pid_) ::waitpid(pid, nullptr, WNOHANG);  // its own parent's, unless that is gone
        }
        return ended && processes().empty();
    }

    std::filesystem::path output_;
    pid_t pid_ = -1;
    std::map<pid_t, std::string> seen_;  // with their start
    bool ended_ = false;
    int status_ = 0;
};

}  // namespace gatesweep
