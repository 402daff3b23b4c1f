// Runs a program as a user would, with a time limit.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace gatesweep {

struct ChildResult {
    int exit_code = -1;  // -1: ended by a signal
    bool timed_out = false;
    double seconds = 0.0;
    std::string output;  // standard output and standard error, as they came
};

namespace detail {

[[noreturn]] inline void become(std::vector<std::string> const& command, std::filesystem::path const& folder,
                                std::filesystem::path const& output,
                                std::vector<std::pair<std::string, std::string>> const& environment) {
    ::setpgid(0, 0);
    int const out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), in = ::open("/dev/null", O_RDONLY);
    bool const ready = out >= 0 && in >= 0 && ::dup2(in, 0) == 0 && ::dup2(out, 1) == 1 && ::dup2(out, 2) == 2 &&
                       ::chdir(folder.c_str()) == 0;
    for (auto const& [name, value] : environment)
        ::setenv(name.c_str(), value.c_str(), 1);
    std::vector<char*> words;
    for (auto const& word : command)
        words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    if (ready) ::execvp(words[0], words.data());
    ::_exit(127);
}

// True when the child ended within the time.
inline bool wait_for(pid_t child, double seconds, int& status) {
    auto const end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (std::chrono::steady_clock::now() < end) {
        if (::waitpid(child, &status, WNOHANG) == child) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
}

}  // namespace detail

// In `folder`, its output to the file `output`, with `environment` on top of this process's. After `limit` seconds the
// whole process group is ended: politely first, so that mpirun can end its ranks.
inline ChildResult run_child(std::vector<std::string> const& command, std::filesystem::path const& folder,
                             std::filesystem::path const& output,
                             std::vector<std::pair<std::string, std::string>> const& environment, double limit) {
    auto const start = std::chrono::steady_clock::now();
    pid_t const child = ::fork();
    if (child < 0) throw std::runtime_error("fork failed");
    if (child == 0) detail::become(command, folder, output, environment);
    ChildResult result;
    int status = 0;
    result.timed_out = !detail::wait_for(child, limit, status);
    if (result.timed_out) {
        ::kill(-child, SIGTERM);
        if (!detail::wait_for(child, 5.0, status)) {
            ::kill(-child, SIGKILL);
            ::waitpid(child, &status, 0);
        }
    }
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
    std::ifstream file(output, std::ios::binary);
    result.output.assign(std::istreambuf_iterator<char>(file), {});
    return result;
}

}  // namespace gatesweep
