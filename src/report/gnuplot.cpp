#include "gnuplot.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "gatesweep/base/error.h"
#include "text.h"

extern char** environ;

namespace gatesweep {
namespace {

constexpr std::size_t max_message_bytes = 2000;

// What the child is started with; released on every way out.
class SpawnActions {
public:
    SpawnActions() { posix_spawn_file_actions_init(&actions_); }
    ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
    SpawnActions(SpawnActions const&) = delete;
    SpawnActions& operator=(SpawnActions const&) = delete;
    posix_spawn_file_actions_t* get() { return &actions_; }

private:
    posix_spawn_file_actions_t actions_;
};

// This process passes over the signal for files that grow too large, and is told by write() instead; a program that
// looks less closely is better ended by it.
class SpawnAttributes {
public:
    SpawnAttributes() {
        posix_spawnattr_init(&attributes_);
        sigset_t defaults;
        sigemptyset(&defaults);
        sigaddset(&defaults, SIGXFSZ);
        posix_spawnattr_setsigdefault(&attributes_, &defaults);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF);
    }
    ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
    SpawnAttributes(SpawnAttributes const&) = delete;
    SpawnAttributes& operator=(SpawnAttributes const&) = delete;
    posix_spawnattr_t* get() { return &attributes_; }

private:
    posix_spawnattr_t attributes_;
};

std::string read_to_end(int descriptor) {
    std::string text;
    std::array<char, 4096> buffer;
    while (true) {
        ssize_t const count = ::read(descriptor, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return text;
        // A script that fails per point could say more than anyone reads; the pipe is drained all the same.
        if (text.size() < max_message_bytes) text.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

int wait_for(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        GATESWEEP_VALIDATE(errno == EINTR, ExitCode::io, "gnuplot: waiting for it failed: {}: run 'report' again",
                           std::strerror(errno));
    }
    return status;
}

std::string one_line(std::string_view text) {
    std::string line;
    for (char const c : text) {
        bool const is_space = c == '\n' || c == '\t' || c == ' ' || c == '\r';
        if (is_space && (line.empty() || line.back() == ' ')) continue;
        line += is_space ? ' ' : c;
    }
    return line;
}

// How the child ended, in words, with what it said.
std::string ending_of(int status, std::string const& said) {
    std::string const words = said.empty() ? "" : fmt::format(": {}", printable(one_line(said), 400));
    if (!WIFSIGNALED(status)) return fmt::format("gnuplot ended with exit code {}{}", WEXITSTATUS(status), words);
    int const signal = WTERMSIG(status);
    if (signal == SIGXFSZ)
        return fmt::format("a picture would pass the limit on the size of files (ulimit -f){}", words);
    return fmt::format("gnuplot was ended by signal {}, {}{}", signal, ::strsignal(signal), words);
}

}  // namespace

std::string gnuplot_quoted(std::string_view text) {
    std::string quoted = "'";
    for (char const c : shortened(text, 160)) {
        if (c == '\'') quoted += '\'';  // a doubled quote is one quote
        quoted += c == '\n' || c == '\t' ? ' ' : c;
    }
    return quoted + "'";
}

std::string file_name_part(std::string_view text) {
    std::string part;
    for (char const c : text.substr(0, 60)) {
        auto const lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        bool const is_kept = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '-';
        if (is_kept || part.empty() || part.back() != '_') part += is_kept ? lower : '_';
    }
    return part.empty() ? "group" : part;
}

std::string part_among(std::vector<std::string> const& names, std::string const& name) {
    std::string const part = file_name_part(name);
    int num_before = 1;
    for (auto const& other : names) {
        if (other == name) break;
        if (file_name_part(other) == part) ++num_before;
    }
    return num_before == 1 ? part : fmt::format("{}-{}", part, num_before);
}

bool gnuplot_is_installed() {
    char const* const path = std::getenv("PATH");
    std::string_view folders = path ? path : "/usr/local/bin:/usr/bin:/bin";
    while (true) {
        std::size_t const end = folders.find(':');
        std::string const folder(folders.substr(0, end));
        if (::access(((folder.empty() ? "." : folder) + "/gnuplot").c_str(), X_OK) == 0) return true;
        if (end == std::string_view::npos) return false;
        folders.remove_prefix(end + 1);
    }
}

void run_gnuplot(std::filesystem::path const& folder, std::filesystem::path const& script) {
    std::array<int, 2> pipe{};
    GATESWEEP_VALIDATE(::pipe2(pipe.data(), O_CLOEXEC) == 0, ExitCode::io,
                       "gnuplot: no pipe to it: {}: close files or processes", std::strerror(errno));
    SpawnActions actions;
    posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(actions.get(), pipe[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(actions.get(), pipe[1], STDERR_FILENO);
    posix_spawn_file_actions_addchdir_np(actions.get(), folder.c_str());

    SpawnAttributes attributes;
    // -d: the user's own gnuplot settings must not change the figures.
    std::string name = "gnuplot";
    std::string option = "-d";
    std::string file = script.string();
    std::array<char*, 4> arguments = {name.data(), option.data(), file.data(), nullptr};
    pid_t child = 0;
    int const spawned =
        ::posix_spawnp(&child, name.c_str(), actions.get(), attributes.get(), arguments.data(), environ);
    ::close(pipe[1]);
    std::string const said = spawned == 0 ? read_to_end(pipe[0]) : std::string();
    ::close(pipe[0]);
    GATESWEEP_VALIDATE(spawned == 0, ExitCode::io, "gnuplot: cannot be started: {}: check its installation",
                       std::strerror(spawned));
    int const status = wait_for(child);
    GATESWEEP_VALIDATE(WIFEXITED(status) && WEXITSTATUS(status) == 0, ExitCode::io,
                       "{}: {} (arrays, tables and completions are written, only figures and report.html are "
                       "missing): free space or raise the limit, then run 'gnuplot {}' in {} to see more, or start "
                       "again, which draws what is missing",
                       script.string(), ending_of(status, said), script.string(), folder.string());
}

}  // namespace gatesweep
