// completions.jsonl of a run, read back (app/completions.h wrote it).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep {

struct StoredCompletion {
    std::string trial_id;
    std::string group;
    std::int64_t prompt_index = 0;
    std::vector<std::int64_t> token_ids;
    std::string text;
    std::string label;
    std::string label_source;           // empty: the reply could not be read
    std::optional<std::string> prompt;  // its text, on lines of the baseline
};

// The line of a file with another label in it.
std::string relabelled_line(std::string_view line, std::string_view label, std::string_view source);

// Calls with every line, without its end. Errors: input_missing; bad_data for a file whose last line is cut.
void for_each_line(std::filesystem::path const& file, std::function<void(std::string_view, std::int64_t)> const& visit);

// Calls with every line in the file's order. Errors: input_missing; bad_data with the line's number for a line that is
// no such object, and for a file whose last line is cut.
void for_each_completion(std::filesystem::path const& file, std::function<void(StoredCompletion const&)> const& visit);

}  // namespace gatesweep
