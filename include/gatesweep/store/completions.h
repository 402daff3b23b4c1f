// completions.jsonl: what every trial answered to every prompt, one JSON object a line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep {

constexpr char const* completions_name = "completions.jsonl";

struct StoredCompletion {
    std::string trial_id;
    std::string group;
    std::int64_t prompt_index = 0;  // row of tables/prompts.csv
    std::string prompt_id;
    std::vector<std::int32_t> token_ids;
    std::string text;  // empty where the run could not read token ids
    std::string finish_reason;
    std::string label;
    std::string label_source;           // empty: the reply could not be read
    std::optional<std::string> prompt;  // its text, on lines of the baseline
};

// One line, with its end. Bytes that are no UTF-8 become U+FFFD.
std::string completion_line(StoredCompletion const& completion);
// Of a line without its end; nothing for what is no such object.
std::optional<StoredCompletion> parse_completion(std::string_view line);

// The line of a file with another label in it, without its end.
std::string relabelled_line(std::string_view line, std::string_view label, std::string_view source);

// Calls with every line, without its end, and its number from 1; one line is in memory at a time. Errors:
// input_missing; bad_data for a file whose last line is cut, and for a line that is too long to be a completion.
void for_each_line(std::filesystem::path const& file, std::function<void(std::string_view, std::int64_t)> const& visit);

// Calls with every completion in the file's order. Errors: also bad_data with the number of a line that is none.
void for_each_completion(std::filesystem::path const& file, std::function<void(StoredCompletion const&)> const& visit);

// That line `number` of `file` is no completion, or one that cannot stand there: bad_data.
[[noreturn]] void wrong_completion(std::filesystem::path const& file, std::int64_t number, std::string_view what);

}  // namespace gatesweep
