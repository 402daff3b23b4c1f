// Conversations as data sets have them: lists of messages under several names and spellings.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/input/chat_template.h"

namespace gatesweep {

// Keys that hold one where their value is a list, in the order in which they are looked for.
inline constexpr std::array<std::string_view, 4> conversation_keys = {"messages", "conversation", "conversations",
                                                                      "turns"};

struct Conversation {
    int column = 0;
    std::vector<Message> messages;
    // What is wrong with it, for a message that begins with the row; empty: nothing. Said only where it is used.
    std::string problem;
    // Turns behind the last user's, left out: an answer that the data set has is not the model's. Never of messages.
    std::size_t num_left_out = 0;
};

// {"role", "content"}, or ShareGPT's {"from", "value"}; of "turns" also texts, all the user's. A content may be a list
// of parts, whose texts are joined; other parts, such as images, are a problem.
Conversation conversation_of(nlohmann::json const& list, std::string const& key);

}  // namespace gatesweep
