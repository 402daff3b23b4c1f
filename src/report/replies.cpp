#include "replies.h"

#include <iterator>

#include "gatesweep/base/error.h"

namespace gatesweep {

std::map<std::int64_t, StoredCompletion> read_replies(std::filesystem::path const& file, std::string const& trial_id,
                                                      std::string const& group, std::size_t max_replies) {
    std::map<std::int64_t, StoredCompletion> replies;
    for_each_line(file, [&](std::string_view line, std::int64_t number) {
        // Ids are plain words, which JSON writes as they are: a line without it is another trial's.
        if (line.find(trial_id) == std::string_view::npos) return;
        auto reply = parse_completion(line);
        if (!reply) wrong_completion(file, number, "not a completion of a sweep");
        if (reply->trial_id != trial_id || reply->group != group) return;
        std::int64_t const prompt = reply->prompt_index;
        if (!replies.emplace(prompt, std::move(*reply)).second) {
            wrong_completion(file, number,
                             fmt::format("a second reply of trial {} to prompt {}", printable(trial_id), prompt));
        }
        if (replies.size() > max_replies) replies.erase(std::prev(replies.end()));
    });
    return replies;
}

}  // namespace gatesweep
