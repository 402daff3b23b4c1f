#include "gatesweep/comm/progress_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace gatesweep {
namespace {

constexpr int longest_bar = 30;
constexpr int shortest_bar = 10;

double rate_of(PhaseProgress const& p) {
    return p.seconds > 0.0 ? static_cast<double>(p.done) / p.seconds : 0.0;
}

// The most telling first.
std::vector<std::string> figures_of(PhaseProgress const& p) {
    double const fraction = p.all > 0 ? static_cast<double>(p.done) / static_cast<double>(p.all) : 0.0;
    std::vector<std::string> figures = {fmt::format("{:3.0f} %", std::floor(100.0 * fraction))};
    figures.push_back(fmt::format("{} {}", p.done, p.unit));
    figures.push_back(fmt::format("{:.{}f} {}/s", rate_of(p), rate_of(p) < 10.0 ? 1 : 0, p.unit));
    if (p.done < p.all && rate_of(p) > 0.0)
        figures.push_back("ETA " + time_left_text(static_cast<double>(p.all - p.done) / rate_of(p)));
    return figures;
}

std::string bar(PhaseProgress const& p, int width) {
    double const fraction = p.all > 0 ? static_cast<double>(p.done) / static_cast<double>(p.all) : 0.0;
    auto const filled = static_cast<std::size_t>(fraction * width);
    std::string out(filled, '=');
    if (filled < static_cast<std::size_t>(width)) out += '>';
    out.resize(static_cast<std::size_t>(width), ' ');
    return '[' + out + ']';
}

}  // namespace

std::string time_left_text(double seconds) {
    auto const whole = static_cast<std::int64_t>(seconds + 0.5);
    if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
    std::int64_t const minutes = (whole + 30) / 60;
    return fmt::format("{}:{:02} h", minutes / 60, minutes % 60);
}

std::string progress_text(PhaseProgress const& progress) {
    std::string text;
    for (auto const& figure : figures_of(progress))
        text += (text.empty() ? "" : "  ") + figure;
    return text;
}

std::string progress_bar(PhaseProgress const& progress, int width) {
    std::string const topic = fmt::format("{:<9} ", progress.topic);
    std::string const text = progress_text(progress);
    int const room = width - static_cast<int>(topic.size() + text.size()) - 3;  // brackets and a space
    if (room >= shortest_bar) return topic + bar(progress, std::min(room, longest_bar)) + ' ' + text;
    // Percentage and time left say most; the count and the rate go first.
    auto figures = figures_of(progress);
    auto const length = [&] {
        std::size_t sum = topic.size();
        for (auto const& figure : figures)
            sum += figure.size() + 2;
        return static_cast<int>(sum) - 2;
    };
    while (figures.size() > 2 && length() > width)
        figures.erase(figures.begin() + (figures.size() > 3 ? 2 : 1));
    std::string line = topic;
    for (std::size_t i = 0; i < figures.size(); ++i)
        line += (i == 0 ? "" : "  ") + figures[i];
    return line.substr(0, static_cast<std::size_t>(std::max(width, 0)));
}

}  // namespace gatesweep
