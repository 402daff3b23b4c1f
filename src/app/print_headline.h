// Result lines as `run` prints them, from the tables of a run.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace gatesweep {

// Topic and text of each line; a line that goes on with the topic before it has none.
std::vector<std::pair<std::string, std::string>> headline_lines(std::filesystem::path const& folder);

// On standard output.
void print_headline(std::filesystem::path const& folder);

}  // namespace gatesweep
