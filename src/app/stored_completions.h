// completions.jsonl of a run, read back (app/completions.h wrote it).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace gatesweep {

struct StoredCompletion {
    std::string trial_id;
    std::string group;
    std::int64_t prompt_index = 0;
    std::vector<std::int64_t> token_ids;
    std::string text;
    std::string label;
    std::optional<std::string> prompt;  // its text, on lines of the baseline
};

// Calls with every line in the file's order. Errors: input_missing; bad_data with the line's number for a line that is
// no such object, and for a file whose last line is cut.
void for_each_completion(std::filesystem::path const& file, std::function<void(StoredCompletion const&)> const& visit);

}  // namespace gatesweep
