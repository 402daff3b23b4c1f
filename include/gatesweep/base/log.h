// What the program says. Rank 0 speaks; other ranks only warn, and then name themselves.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace gatesweep {

enum class LogLevel { quiet, info, debug };

// Called once, after the ranks are known. Standard error is used; colours and bars only where it is a terminal.
void start_log(int rank, int num_ranks, LogLevel level);
bool log_to_terminal();
int terminal_width();  // of standard error, in columns; 80 where it does not tell

// A line that the next call of show_bar draws over; any other line ends it first. Rank 0, on a terminal.
void show_bar(std::string_view line);
void end_bar();

// A line of its own. Rank 0 only.
void say(std::string_view line);
// A line of the kind "model     Mixtral, 8 layers x 8 experts": a topic, padded to one column, and a text. Rank 0 only.
void say(std::string_view topic, std::string_view text);
// A warning from any rank, prefixed with the rank when it is not rank 0.
void warn(std::string_view text);
// Detail for --verbose; rank 0 only.
void detail(std::string_view text);
// The last words of a rank, any rank; one other than rank 0 names itself at the end, for what is wrong comes first.
void report_error(std::string_view text);

template <class... Args>
void say(std::string_view topic, fmt::format_string<Args...> format, Args&&... args) requires(sizeof...(Args) > 0) {
    say(topic, std::string_view(fmt::format(format, std::forward<Args>(args)...)));
}

template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) requires(sizeof...(Args) > 0) {
    warn(std::string_view(fmt::format(format, std::forward<Args>(args)...)));
}

}  // namespace gatesweep
