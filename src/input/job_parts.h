// What the readers of a job's sections share.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/input/job.h"
#include "gatesweep/input/toml_section.h"

namespace gatesweep {

enum class PathKind { folder, file };

// Where the paths of a job lead.
struct InputPlaces {
    std::filesystem::path job_folder;
    bool is_stored = false;  // the resolved job of a run: its paths may be another machine's, and stay as they are
};

// The path under `key`: beside the job file first, then in the working folder; absolute. input_missing when there is
// nothing at either place. Of a stored job only what --set says is looked for, in the working folder.
std::filesystem::path find_input(Section const& section, std::string_view key, InputPlaces const& places,
                                 PathKind kind);
// Empty for an absent key and for "", which is how the resolved job writes that there is none.
std::filesystem::path find_optional_input(Section const& section, std::string_view key, InputPlaces const& places,
                                          PathKind kind);

void require(Section const& section, std::string_view key, std::string_view what);
bool says_auto(Section const& section, std::string_view key);
bool is_name(std::string_view text);  // not empty, no control characters

// The groups of [[prompts]], each once, in the order of the file.
std::vector<std::string> prompt_groups(Job const& job);

}  // namespace gatesweep
