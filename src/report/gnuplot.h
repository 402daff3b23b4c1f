// Running gnuplot, and writing text into its scripts safely.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep {

// A user's text as a gnuplot string. Single quotes, because nothing is substituted inside them: neither `commands` nor
// @macros nor escapes. Control characters and invalid UTF-8 are replaced, and a long text is cut.
std::string gnuplot_quoted(std::string_view text);

// A user's text as part of a file name: [a-z0-9_-] only, never empty.
std::string file_name_part(std::string_view text);

// The same for one of several names, each of which must give a file of its own: "a/b" beside "a b" is "a_b-2".
std::string part_among(std::vector<std::string> const& names, std::string const& name);

// Whether a program named gnuplot is on the PATH.
bool gnuplot_is_installed();

// Runs the script with gnuplot, without a shell, in `folder`; `script` is relative to it. A failure is an Error (io)
// that quotes what gnuplot said.
void run_gnuplot(std::filesystem::path const& folder, std::filesystem::path const& script);

}  // namespace gatesweep
