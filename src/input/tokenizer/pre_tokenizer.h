// The pre-tokenizers of tokenizer.json that cut a text into words: Split, Digits, Metaspace, ByteLevel, and Sequences.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pattern.h"

namespace gatesweep::bpe {

struct Word {
    std::string_view text;
    bool begins_text;                        // it stands where the whole text begins
    std::uint32_t const* origins = nullptr;  // of every byte, as in MarkedText; null: nobody asks
};

// What words are made of that is not a part of the text.
struct Rewritten {
    std::string text;
    std::vector<std::uint32_t> origins;
};

class PreTokenizer {
public:
    PreTokenizer() = default;  // the whole is one word
    explicit PreTokenizer(Fields const& fields);

    // Whether words go to the model byte by byte, each in the disguise of a printable character.
    bool is_byte_level() const { return is_byte_level_; }
    // `storage` holds what is not a part of `segment`.
    std::vector<Word> words(Word segment, std::deque<Rewritten>& storage) const;

private:
    enum class Behaviour { removed, isolated, merged_with_previous, merged_with_next, contiguous };
    struct Split {
        Pattern pattern;
        Behaviour behaviour;
        bool is_inverted;
    };
    struct Digits {
        bool individually;
    };
    enum class Prepend { always, first, never };
    struct Metaspace {
        std::string replacement;
        Prepend prepend;
        bool splits;
    };
    struct PrefixSpace {};
    using Step = std::variant<Split, Digits, Metaspace, PrefixSpace>;
    struct Part {
        Match match;
        bool is_match;
    };

    void add(Fields const& fields, int depth);
    void add_split(Fields const& fields);
    void add_metaspace(Fields const& fields);
    void add_byte_level(Fields const& fields);
    static std::vector<Part> all_parts(std::vector<Match> const& matches, std::size_t size, bool is_inverted);
    static void cut(Word word, std::vector<Part> const& parts, Behaviour behaviour, std::vector<Word>& out);
    static void apply(Step const& step, Word word, std::deque<Rewritten>& storage, std::vector<Word>& out);

    std::vector<Step> steps_;
    bool is_byte_level_ = false;
};

}  // namespace gatesweep::bpe
