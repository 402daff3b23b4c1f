// The part of Oniguruma's regular expressions that tokenizer.json files use, over well-formed UTF-8, with the character
// classes of unicode.h: literals, [classes], \p{..}, \s, \d, (?i: ) over ASCII, groups, |, * + ? {m,n}, possessive
// ones, lookahead, \A and \z. Whatever else a pattern holds is refused by name.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unicode.h"

namespace gatesweep::bpe {

// A set of characters.
class CharacterSet {
public:
    void add(char32_t first, char32_t last);
    void add_categories(Categories categories) { categories_ |= categories; }
    void add_spaces() { has_spaces_ = true; }
    void add_all_but_spaces() { has_all_but_spaces_ = true; }
    void invert() { is_inverted_ = !is_inverted_; }
    // To be called after the last addition.
    void finish();
    bool holds(char32_t c) const { return c < num_ascii ? ascii_[c] : holds_slowly(c); }

private:
    static constexpr std::size_t num_ascii = 128;
    struct Range {
        char32_t first, last;
    };
    bool holds_slowly(char32_t c) const;

    std::vector<Range> ranges_;
    Categories categories_ = 0;
    bool has_spaces_ = false;
    bool has_all_but_spaces_ = false;
    bool is_inverted_ = false;
    std::bitset<num_ascii> ascii_;
};

struct Match {
    std::size_t begin;
    std::size_t end;
};

class Regex {
public:
    // Errors: bad_data for a pattern outside the subset; `place` is what messages call it.
    Regex(std::string_view pattern, std::string const& place);
    // A pattern that is the text itself.
    static Regex literal(std::string_view text);

    // All matches from the left that do not overlap, as Oniguruma's find_iter gives them (an empty one just behind a
    // match is none). Errors: bad_data for a text on which the pattern takes more steps than any real one.
    std::vector<Match> find_all(std::string_view text) const;

    // The program that the parser writes (regex_parser.cpp) and match_at runs.
    enum class Op : std::uint8_t {
        set,         // one character of sets[a]
        repeat,      // greedy: from b to c characters of sets[a]
        possess,     // the same, never giving one back
        split,       // go on at a, later at b
        jump,        // to a
        begin,       // of the text
        end,         // of the text
        look_ahead,  // what follows until `matched` must match, then go on at a
        look_past,   // must not match, then go on at a
        atomic,      // what follows until `matched` matches once, no way back, then go on at a
        matched
    };
    struct Step {
        Op op;
        std::uint32_t a = 0, b = 0, c = 0;
    };
    struct Program {
        std::vector<Step> steps;
        std::vector<CharacterSet> sets;
    };

private:
    Regex() = default;
    Program program_;
};

Regex::Program parse_regex(std::string_view pattern, std::string const& place);

}  // namespace gatesweep::bpe
