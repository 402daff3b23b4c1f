#include "gatesweep/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include <memory>
#include <string>

namespace gatesweep {
namespace {

struct LogState {
    int rank = 0;
    int num_ranks = 1;
    LogLevel level = LogLevel::info;
    bool bar_is_open = false;
    std::shared_ptr<spdlog::logger> logger;
};

LogState& state() {
    static LogState instance = [] {
        LogState s;
        s.logger = std::make_shared<spdlog::logger>("gatesweep", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        s.logger->set_pattern("%v");
        s.logger->flush_on(spdlog::level::trace);
        return s;
    }();
    return instance;
}

std::string rank_name() {
    return fmt::format("rank {} of {}", state().rank, state().num_ranks);
}

}  // namespace

void start_log(int rank, int num_ranks, LogLevel level) {
    state().rank = rank;
    state().num_ranks = num_ranks;
    state().level = level;
}

bool log_to_terminal() {
    return ::isatty(STDERR_FILENO) == 1;
}

int terminal_width() {
    constexpr int usual = 80;
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual;
}

void show_bar(std::string_view line) {
    auto& s = state();
    if (s.rank != 0 || s.level == LogLevel::quiet) return;
    std::fprintf(stderr, "\r%.*s\033[K", static_cast<int>(line.size()), line.data());
    std::fflush(stderr);
    s.bar_is_open = true;
}

void end_bar() {
    auto& s = state();
    if (!s.bar_is_open) return;
    std::fputc('\n', stderr);
    std::fflush(stderr);
    s.bar_is_open = false;
}

void say(std::string_view line) {
    auto& s = state();
    if (s.rank != 0 || s.level == LogLevel::quiet) return;
    end_bar();
    s.logger->info("{}", line);
}

void say(std::string_view topic, std::string_view text) {
    say(fmt::format("{:<9} {}", topic, text));
}

void warn(std::string_view text) {
    end_bar();
    state().logger->warn("warning: {}{}", state().rank == 0 ? std::string() : rank_name() + ": ", text);
}

void detail(std::string_view text) {
    auto& s = state();
    if (s.rank != 0 || s.level != LogLevel::debug) return;
    end_bar();
    s.logger->info("          {}", text);
}

void report_error(std::string_view text) {
    end_bar();
    state().logger->error("error: {}{}", text, state().rank == 0 ? std::string() : fmt::format(" [{}]", rank_name()));
}

}  // namespace gatesweep
