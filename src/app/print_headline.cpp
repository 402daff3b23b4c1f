#include "print_headline.h"

#include <fmt/core.h>

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
    for (auto const& [topic, text] : headline_lines(folder))
        fmt::print("{:<9} {}\n", topic, text);
}

}  // namespace gatesweep
