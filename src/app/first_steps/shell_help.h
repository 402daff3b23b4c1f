// What a shell and `man` want to know of the command line, made from the parser's own options and help.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace gatesweep {

std::string bash_completion(CLI::App const& app);
std::string zsh_completion(CLI::App const& app);
std::string man_page(CLI::App const& app);

}  // namespace gatesweep
