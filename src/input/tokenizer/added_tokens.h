// Tokens that are looked for in a text before it is cut into words: "<|im_end|>", "<s>", runs of spaces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nfc.h"

namespace gatesweep::bpe {

constexpr std::int32_t no_id_yet = -1;  // the vocabulary's, or else the next that is free

struct AddedToken {
    std::string content;
    std::int32_t id = 0;
    bool single_word = false;  // only where no letter stands beside it
    bool strips_left = false;  // takes the white space before it along
    bool strips_right = false;
    bool normalized = false;  // looked for in the normalized text
    bool special = false;     // a control token: no text of a user's is one, unless it is asked for

    bool operator==(AddedToken const&) const = default;
};

// A part of a text: a token, or what is left to encode.
struct Segment {
    AddedToken const* token = nullptr;
    std::size_t begin = 0;
    std::size_t end = 0;
};

// Finds the tokens of a list in a text: from the left, of those that begin at one place the longest.
class AddedTokenFinder {
public:
    AddedTokenFinder() = default;
    // What is looked for, and the token that it stands for. The tokens must stay where they are.
    explicit AddedTokenFinder(std::vector<std::pair<std::string, AddedToken const*>> const& sought);

    // A special token counts where no byte of it is a user's (`user` as in MarkedText). One that a user wrote whole is
    // passed over as text, as the reference does with split_special_tokens.
    std::vector<Segment> find(MarkedText const& text) const;

private:
    struct Node {
        std::vector<std::pair<char, std::size_t>> next;  // sorted
        AddedToken const* token = nullptr;
    };
    struct Found {
        AddedToken const* token;
        std::size_t size;
        bool counts;
    };
    void insert(std::string_view text, AddedToken const* token);
    Found longest_at(MarkedText const& text, std::size_t at) const;

    std::vector<Node> nodes_;
    std::vector<bool> begins_ = std::vector<bool>(256);  // by first byte
};

}  // namespace gatesweep::bpe
