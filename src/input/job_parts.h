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

// The path under `key`: beside the job file first, then in the working folder; absolute. input_missing when there is
// nothing at either place.
std::filesystem::path find_input(Section const& section, std::string_view key, std::filesystem::path const& job_folder,
                                 PathKind kind);
// Empty for an absent key and for "", which is how the resolved job writes that there is none.
std::filesystem::path find_optional_input(Section const& section, std::string_view key,
                                          std::filesystem::path const& job_folder, PathKind kind);

void require(Section const& section, std::string_view key, std::string_view what);
bool says_auto(Section const& section, std::string_view key);
bool is_name(std::string_view text);  // not empty, no control characters

// The groups of [[prompts]], each once, in the order of the file.
std::vector<std::string> prompt_groups(Job const& job);

// [sweep] of the job `top`, whose prompts and analysis are read already.
SweepSpec read_sweep(Section const& top, Job const& job, std::filesystem::path const& job_folder);

}  // namespace gatesweep
