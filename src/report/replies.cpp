#include "replies.h"

#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"

namespace gatesweep {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{1} << 20;
constexpr std::size_t max_line_bytes = std::size_t{64} << 20;
constexpr char const* copy_again = "copy the run folder again, or run 'gatesweep run' on it to write it anew";

// Calls with every line and its number from 1, reading a chunk at a time.
template <class Visit>
void for_each_line(std::filesystem::path const& path, Visit visit) {
    InputFile const file(path);
    std::string pending;
    std::int64_t number = 0;
    for (std::uint64_t offset = 0; offset < file.size();) {
        std::size_t const start = pending.size();
        auto const count = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_bytes, file.size() - offset));
        pending.resize(start + count);
        file.read_at(offset, std::as_writable_bytes(std::span(pending).subspan(start)));
        offset += count;
        std::size_t line = 0;
        for (std::size_t end = pending.find('\n', start); end != std::string::npos; end = pending.find('\n', line)) {
            visit(std::string_view(pending).substr(line, end - line), ++number);
            line = end + 1;
        }
        pending.erase(0, line);
        GATESWEEP_VALIDATE(pending.size() <= max_line_bytes, ExitCode::bad_data,
                           "{}: line {} is longer than {} bytes: {}", path.string(), number + 1, max_line_bytes,
                           copy_again);
    }
    GATESWEEP_VALIDATE(pending.empty(), ExitCode::bad_data, "{}: line {} has no end (the file was cut): {}",
                       path.string(), number + 1, copy_again);
}

std::string text_at(nlohmann::json const& object, char const* key) {
    auto const found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::map<std::int64_t, Reply> read_replies(std::filesystem::path const& file, std::string const& trial_id,
                                           std::string const& group, std::size_t max_replies) {
    std::map<std::int64_t, Reply> replies;
    for_each_line(file, [&](std::string_view line, std::int64_t number) {
        // Ids are plain words, which JSON writes as they are: a line without it is another trial's.
        if (line.find(trial_id) == std::string_view::npos) return;
        auto const object = nlohmann::json::parse(line, nullptr, false);
        bool const is_reply = object.is_object() && object.contains("trial_id") && object.contains("prompt_index") &&
                              object["prompt_index"].is_number_integer();
        GATESWEEP_VALIDATE(is_reply, ExitCode::bad_data,
                           "{}: line {}: not a JSON object with trial_id and prompt_index: {}", file.string(), number,
                           copy_again);
        if (text_at(object, "trial_id") != trial_id || text_at(object, "group") != group) return;
        auto const prompt = object["prompt_index"].get<std::int64_t>();
        bool const is_new =
            replies
                .emplace(prompt, Reply{text_at(object, "prompt_id"), text_at(object, "prompt"), text_at(object, "text"),
                                       text_at(object, "label"), text_at(object, "finish_reason")})
                .second;
        GATESWEEP_VALIDATE(is_new, ExitCode::bad_data, "{}: line {}: a second reply of trial {} to prompt {}: {}",
                           file.string(), number, printable(trial_id), prompt, copy_again);
        if (replies.size() > max_replies) replies.erase(std::prev(replies.end()));
    });
    return replies;
}

}  // namespace gatesweep
