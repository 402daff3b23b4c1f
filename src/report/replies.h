// Private to report: what the model replied, out of completions.jsonl.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "gatesweep/store/completions.h"

namespace gatesweep {

// The replies of one trial on one group by prompt_index, in a single pass that holds one line at a time; at most
// `max_replies` are kept, those of the lowest prompt indices. Lines of other trials are not looked into. Errors: those
// of for_each_completion; bad_data for a prompt that replies twice.
std::map<std::int64_t, StoredCompletion> read_replies(std::filesystem::path const& file, std::string const& trial_id,
                                                      std::string const& group, std::size_t max_replies);

}  // namespace gatesweep
