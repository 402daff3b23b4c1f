// Phrases with alternatives and bounded gaps, matched over words in one pass.
//
//   I (can not|will not|) help       alternatives of no, one or more words
//   I am not able to <help>          a list of words of the rules file; (<help>|go on) too
//   it is important to note ... not  up to 12 words between; ".." up to 4
//   ^ sorry                          only where a sentence begins
//
// A match never crosses the end of a sentence. All ways to match are followed at once (bit-parallel), so the cost is
// one step per word and phrase whatever the text.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plain_words.h"

namespace gatesweep {

using WordLists = std::map<std::string, std::vector<std::string>>;

class PhraseSet {
public:
    // Adds a phrase. Returns what is wrong with it, for the user; empty when nothing is.
    std::string add(std::string_view phrase, WordLists const& lists);

    // Whether some phrase is in words [first, last).
    bool is_in(std::vector<PlainWord> const& words, std::size_t first, std::size_t last) const;
    // Words that no phrase matches in place of every match. Only for a set without gaps.
    void blank_out(std::vector<PlainWord>& words) const;
    bool has_gaps() const;
    bool is_empty() const { return patterns_.empty(); }

private:
    struct Step {
        std::vector<std::string> words;  // that it takes; none: any word, or no word at all
    };
    using Steps = std::vector<Step>;
    struct Pattern {
        std::size_t num_steps = 0;
        bool at_start = false;                // of a sentence
        std::uint64_t optional = 0;           // steps of a gap: bit s is step s
        std::vector<std::uint64_t> steps_of;  // [word id] the steps that take that word; the end may be missing
    };

    static std::string parse(std::string_view phrase, WordLists const& lists, std::vector<Steps>& variants);
    void compile(Steps const& steps, bool at_start);
    template <class OnMatch>  // bool(pattern, index of the last word): whether to go on
    void scan(std::vector<PlainWord> const& words, std::size_t first, std::size_t last, OnMatch on_match) const;
    std::size_t id_of(std::string const& word);

    std::vector<Pattern> patterns_;
    std::unordered_map<std::string, std::size_t> ids_;  // of the words that a phrase names
};

}  // namespace gatesweep
