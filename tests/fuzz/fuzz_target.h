// What every fuzz target shares. A target is one file with fuzz_one(): it hands the input to a reader and checks what
// comes back. An Error is how bad input ends; ExitCode::internal, any other exception, a crash, a hang or what the
// sanitizers see is a finding.
#pragma once

#include <filesystem>
#include <string_view>

namespace gatesweep::fuzz {

void fuzz_one(std::string_view input);  // the target's

// Ends the process as a finding.
void require(bool condition, char const* what);

// A file in memory, for readers that take a path.
class MemoryFile {
public:
    MemoryFile();
    std::filesystem::path const& holding(std::string_view bytes);

private:
    int descriptor_;
    std::filesystem::path path_;
};

}  // namespace gatesweep::fuzz
