#include "conversation.h"

#include <fmt/format.h>

#include <optional>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

using nlohmann::json;

struct Problem {
    std::string what;
};

std::string const& text_of(json const& value, std::string const& wrong) {
    if (!value.is_string()) throw Problem{wrong};
    return value.get_ref<std::string const&>();
}

std::string content_of(json const& value, std::string const& key, std::string const& wrong) {
    if (!value.is_array()) return text_of(value, wrong);
    std::string out;
    for (json const& part : value) {
        if (part.is_string()) {
            out += part.get_ref<std::string const&>();
            continue;
        }
        if (!part.is_object()) throw Problem{wrong};
        std::string const type = part.contains("type") && part["type"].is_string() ? part["type"] : json("text");
        if (type != "text")
            throw Problem{
                fmt::format("{} has a part of type \"{}\" (gatesweep reads text alone): leave the row out "
                            "with where, or name a column of text",
                            key, printable(type))};
        if (!part.contains("text")) throw Problem{wrong};
        out += text_of(part["text"], wrong);
    }
    return out;
}

// ShareGPT's names of authors as roles.
std::string role_of(std::string const& author) {
    if (author == "human") return "user";
    if (author == "gpt" || author == "chatgpt" || author == "bard" || author == "bing") return "assistant";
    return author;
}

Message message_of(json const& entry, std::string const& key, std::string const& wrong) {
    if (entry.is_string() && key == "turns") return {"user", entry};
    if (!entry.is_object()) throw Problem{wrong};
    if (entry.contains("role") && entry.contains("content"))
        return {text_of(entry["role"], wrong), content_of(entry["content"], key, wrong)};
    if (!entry.contains("from") || !entry.contains("value")) throw Problem{wrong};
    return {role_of(text_of(entry["from"], wrong)), content_of(entry["value"], key, wrong)};
}

void end_with_user(Conversation& out, std::string const& key) {
    while (!out.messages.empty() && out.messages.back().role != "user") {
        out.messages.pop_back();
        ++out.num_left_out;
    }
    if (out.messages.empty()) throw Problem{fmt::format("{} has no user's turn: correct it", key)};
}

}  // namespace

Conversation conversation_of(json const& list, std::string const& key) {
    std::string const wrong =
        fmt::format("{} is no list of {{\"role\": text, \"content\": text}}: correct it", printable(key));
    Conversation out;
    try {
        for (json const& entry : list)
            out.messages.push_back(message_of(entry, key, wrong));
        if (out.messages.empty()) throw Problem{fmt::format("{} is empty: give at least a user's", printable(key))};
        if (key != "messages") end_with_user(out, key);
    } catch (Problem const& problem) {
        out.problem = problem.what;
    }
    return out;
}

}  // namespace gatesweep
