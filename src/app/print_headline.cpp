#include "print_headline.h"

#include <fmt/core.h>

#include "gatesweep/base/log.h"
#include "gatesweep/base/log_events.h"
#include "gatesweep/report/headline.h"

namespace gatesweep {

std::vector<std::pair<std::string, std::string>> headline_lines(std::filesystem::path const& folder) {
    Headline const result = headline(folder);
    std::vector<std::pair<std::string, std::string>> lines = {{"analysis", result.analysis}};
    if (!result.marked.empty()) lines.emplace_back("marked", result.marked);
    if (!result.labels.empty()) lines.emplace_back("labels", result.labels);
    for (std::string const& text : result.result)
        lines.emplace_back(&text == &result.result.front() ? "result" : "", text);
    return lines;
}

void print_headline(std::filesystem::path const& folder) {
    for (auto const& [topic, text] : headline_lines(folder)) {
        if (logs_events())
            say(topic, text);
        else
            fmt::print("{:<9} {}\n", topic, text);
    }
}

}  // namespace gatesweep
