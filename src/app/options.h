// The command line: one command, its arguments, nothing else. Everything about a run stands in the job file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gatesweep/base/log.h"

namespace gatesweep {

enum class Command { run, verify, info };

struct Options {
    Command command = Command::info;
    std::filesystem::path job;
    std::filesystem::path out;
    std::vector<std::string> overrides;  // --set key=value
    std::int64_t sample_prompts = 4;     // verify: the shortest and the longest of each group, this many each
    std::int64_t sample_entries = 64;    // verify: gate weights compared with finite differences
    LogLevel log_level = LogLevel::info;
    std::vector<std::string> arguments;  // as given, for provenance
};

// What parsing came to: options to act on, or text to print and an exit code.
struct ParsedOptions {
    std::optional<Options> options;
    std::string text;
    int exit_code = 0;
};

ParsedOptions parse_options(int argc, char const* const* argv);

}  // namespace gatesweep
