// Private to report: what the model replied, out of completions.jsonl.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace gatesweep {

struct Reply {
    std::string prompt_id;
    std::string prompt;  // its text, where the line has it: the baseline's do
    std::string text;
    std::string label;
    std::string finish_reason;
};

// The replies of one trial on one group by prompt_index, in a single pass that holds one line at a time; at most
// `max_replies` are kept, those of the lowest prompt indices. Lines of other trials are not looked into. Errors:
// bad_data with the line's number for a line that is no JSON object of the kind, a prompt that replies twice, or a cut
// last line.
std::map<std::int64_t, Reply> read_replies(std::filesystem::path const& file, std::string const& trial_id,
                                           std::string const& group, std::size_t max_replies);

}  // namespace gatesweep
