#include "gatesweep/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include <memory>
#include <string>

#include "gatesweep/base/log_events.h"
#include "gatesweep/base/utf8.h"

namespace gatesweep {
namespace {

struct LogState {
    int rank = 0;
    int num_ranks = 1;
    LogLevel level = LogLevel::info;
    bool bar_is_open = false;
    bool as_events = false;
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

// A text between the quotes of JSON.
std::string json_quoted(std::string_view text) {
    std::string out = "\"";
    for (char32_t const c : decode_utf8(text)) {
        if (c == U'"' || c == U'\\')
            out += {'\\', static_cast<char>(c)};
        else if (c < 0x20)
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
            append_utf8(out, c);
    }
    return out + '"';
}

// One write a line, so that the lines of ranks do not mix.
void print_event(std::string_view event, std::string_view fields) {
    std::string const line = fmt::format("{{\"event\":\"{}\",{}}}\n", event, fields);
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
}

std::string text_of_rank(std::string_view text) {
    return fmt::format("\"rank\":{},\"text\":{}", state().rank, json_quoted(text));
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

void log_as_events() {
    state().as_events = true;
}

bool logs_events() {
    return state().as_events;
}

void progress_event(std::string_view topic, std::string_view unit, std::int64_t done, std::int64_t all,
                    double seconds) {
    if (state().rank != 0 || !state().as_events || state().level == LogLevel::quiet) return;
    print_event("progress", fmt::format("\"topic\":{},\"done\":{},\"all\":{},\"unit\":{},\"seconds\":{:.3f}",
                                        json_quoted(topic), done, all, json_quoted(unit), seconds));
}

bool log_to_terminal() {
    return !state().as_events && ::isatty(STDERR_FILENO) == 1;
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
    if (s.as_events) return print_event("message", fmt::format("\"topic\":\"\",\"text\":{}", json_quoted(line)));
    s.logger->info("{}", line);
}

void say(std::string_view topic, std::string_view text) {
    auto& s = state();
    if (s.as_events) {
        if (s.rank != 0 || s.level == LogLevel::quiet) return;
        return print_event("message", fmt::format("\"topic\":{},\"text\":{}", json_quoted(topic), json_quoted(text)));
    }
    say(fmt::format("{:<9} {}", topic, text));
}

void warn(std::string_view text) {
    end_bar();
    if (state().as_events) return print_event("warning", text_of_rank(text));
    state().logger->warn("warning: {}{}", state().rank == 0 ? std::string() : rank_name() + ": ", text);
}

void detail(std::string_view text) {
    auto& s = state();
    if (s.rank != 0 || s.level != LogLevel::debug) return;
    end_bar();
    if (s.as_events) return print_event("detail", text_of_rank(text));
    s.logger->info("          {}", text);
}

void report_error(std::string_view text) {
    end_bar();
    if (state().as_events) return print_event("error", text_of_rank(text));
    state().logger->error("error: {}{}", text, state().rank == 0 ? std::string() : fmt::format(" [{}]", rank_name()));
}

}  // namespace gatesweep
