// What the readers of a job's sections share.
#pragma once

#include <algorithm>
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

enum class EmptyList { refused, allowed };

// A list with nothing twice.
template <class T>
std::vector<T> checked_list(Section const& section, std::string_view key, std::vector<T> list,
                            EmptyList empty = EmptyList::refused) {
    if (list.empty() && empty == EmptyList::refused) section.refuse(key, "at least one entry");
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (std::find(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(i), list[i]) !=
            list.begin() + static_cast<std::ptrdiff_t>(i)) {
            section.refuse(key, fmt::format("every entry once (entry {}, counted from 0, is there twice)", i));
        }
    }
    return list;
}
// The same of words, each one of `known`; a refusal names the nearest of them.
std::vector<std::string> read_words(Section const& section, std::string_view key, std::vector<std::string> fallback,
                                    std::vector<std::string> const& known, EmptyList empty = EmptyList::refused);
// Openings of replies: texts that are not empty, each once.
std::vector<std::string> read_openers(Section const& section, std::string_view key);

// The groups of [[prompts]], each once, in the order of the file.
std::vector<std::string> prompt_groups(Job const& job);

}  // namespace gatesweep
