#include "phrase_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace gatesweep {
namespace {

constexpr std::size_t max_steps = 63;
constexpr std::size_t max_variants = 512;  // of one phrase
constexpr int short_gap = 4, long_gap = 12;

// The pieces of a phrase: words, gaps, <lists>, (alternatives); nothing when a bracket is not closed.
std::optional<std::vector<std::string>> split_pieces(std::string_view phrase) {
    std::vector<std::string> out;
    while (!phrase.empty()) {
        if (phrase[0] == ' ') {
            phrase.remove_prefix(1);
            continue;
        }
        char const close = phrase[0] == '(' ? ')' : phrase[0] == '<' ? '>' : ' ';
        std::size_t const end = phrase.find(close);
        if (end == phrase.npos && close != ' ') return std::nullopt;
        std::size_t const length = close == ' ' ? std::min(end, phrase.size()) : end + 1;
        out.emplace_back(phrase.substr(0, length));
        phrase.remove_prefix(length);
    }
    return out;
}

std::vector<std::string> split_alternatives(std::string_view inside) {
    std::vector<std::string> out;
    for (;;) {
        std::size_t const end = std::min(inside.find('|'), inside.size());
        out.emplace_back(inside.substr(0, end));
        if (end == inside.size()) return out;
        inside.remove_prefix(end + 1);
    }
}

// Puts the words of a list in the place of its <name>.
std::string insert_lists(std::vector<std::string>& alternatives, WordLists const& lists) {
    std::vector<std::string> out;
    for (auto const& alternative : alternatives) {
        if (!alternative.starts_with('<')) {
            out.push_back(alternative);
            continue;
        }
        auto const list = lists.find(alternative.substr(1, alternative.size() - 2));
        if (list == lists.end()) return fmt::format("there is no list {} under [words]", alternative);
        out.insert(out.end(), list->second.begin(), list->second.end());
    }
    alternatives = std::move(out);
    return {};
}

}  // namespace

std::string PhraseSet::add(std::string_view phrase, WordLists const& lists) {
    bool const at_start = phrase.starts_with('^');
    if (at_start) phrase.remove_prefix(1);
    std::vector<Steps> variants = {{}};
    if (std::string wrong = parse(phrase, lists, variants); !wrong.empty()) return wrong;
    for (auto const& steps : variants) {
        if (steps.size() > max_steps) return "it is longer than 63 words with its gaps";
        bool const sound = !steps.empty() && !steps.front().words.empty() && !steps.back().words.empty();
        if (!sound) return "it has no words, or begins or ends with a gap";
    }
    for (auto const& steps : variants)
        compile(steps, at_start);
    return {};
}

std::string PhraseSet::parse(std::string_view phrase, WordLists const& lists, std::vector<Steps>& variants) {
    auto const pieces = split_pieces(phrase);
    if (!pieces) return "a bracket is not closed";
    for (auto const& piece : *pieces) {
        if (piece == ".." || piece == "...") {
            for (auto& steps : variants)
                steps.resize(steps.size() + (piece == ".." ? short_gap : long_gap));
            continue;
        }
        std::vector<std::string> alternatives = {piece};
        if (piece[0] == '(') alternatives = split_alternatives(std::string_view(piece).substr(1, piece.size() - 2));
        if (std::string wrong = insert_lists(alternatives, lists); !wrong.empty()) return wrong;
        Step single;  // alternatives of one word share a step
        std::vector<Steps> longer;
        for (auto const& alternative : alternatives) {
            Steps steps;
            for (auto& word : plain_words(alternative))
                steps.push_back({{std::move(word.text)}});
            if (steps.empty() && !alternative.empty()) return fmt::format("\"{}\" holds no word", alternative);
            if (steps.size() == 1)
                single.words.push_back(steps[0].words[0]);
            else
                longer.push_back(std::move(steps));
        }
        if (!single.words.empty()) longer.push_back({single});
        if (variants.size() * longer.size() > max_variants) return "its alternatives combine to more than 512 phrases";
        std::vector<Steps> combined;
        for (auto const& before : variants) {
            for (auto const& behind : longer) {
                combined.push_back(before);
                combined.back().insert(combined.back().end(), behind.begin(), behind.end());
            }
        }
        variants = std::move(combined);
    }
    return {};
}

std::size_t PhraseSet::id_of(std::string const& word) {
    return ids_.try_emplace(word, ids_.size()).first->second;
}

void PhraseSet::compile(Steps const& steps, bool at_start) {
    Pattern& pattern = patterns_.emplace_back();
    pattern.at_start = at_start;
    pattern.num_steps = steps.size();
    for (std::size_t s = 0; s < steps.size(); ++s) {
        std::uint64_t const bit = std::uint64_t{1} << s;
        if (steps[s].words.empty()) pattern.optional |= bit;
        for (auto const& word : steps[s].words) {
            std::size_t const id = id_of(word);
            if (pattern.steps_of.size() <= id) pattern.steps_of.resize(id + 1);
            pattern.steps_of[id] |= bit;
        }
    }
}

template <class OnMatch>
void PhraseSet::scan(std::vector<PlainWord> const& words, std::size_t first, std::size_t last, OnMatch on_match) const {
    // Bit s of a state: the words so far can stand for the steps before s, so the next word may be taken by step s.
    std::vector<std::uint64_t> states(patterns_.size());
    for (std::size_t i = first; i < last; ++i) {
        auto const found = ids_.find(words[i].text);
        std::size_t const id = found == ids_.end() ? ids_.size() : found->second;
        bool const begins = i == 0 || words[i].sentence != words[i - 1].sentence;
        for (std::size_t p = 0; p < patterns_.size(); ++p) {
            Pattern const& pattern = patterns_[p];
            std::uint64_t state = begins ? 0 : states[p];
            if (begins || !pattern.at_start) state |= 1;
            std::uint64_t const takes = (id < pattern.steps_of.size() ? pattern.steps_of[id] : 0) | pattern.optional;
            state = (state & takes) << 1;
            for (std::uint64_t gap = state & pattern.optional; gap != 0; gap = gap << 1 & pattern.optional)
                state |= gap << 1;  // a step of a gap may take no word
            states[p] = state;
            if ((state >> pattern.num_steps & 1) != 0 && !on_match(pattern, i)) return;
        }
    }
}

bool PhraseSet::is_in(std::vector<PlainWord> const& words, std::size_t first, std::size_t last) const {
    bool found = false;
    scan(words, first, last, [&](Pattern const&, std::size_t) {
        found = true;
        return false;
    });
    return found;
}

void PhraseSet::blank_out(std::vector<PlainWord>& words) const {
    std::vector<bool> is_taken(words.size());
    scan(words, 0, words.size(), [&](Pattern const& pattern, std::size_t last_word) {
        for (std::size_t i = 0; i < pattern.num_steps; ++i)
            is_taken[last_word - i] = true;
        return true;
    });
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (is_taken[i]) words[i].text.clear();
    }
}

bool PhraseSet::has_gaps() const {
    return std::any_of(patterns_.begin(), patterns_.end(),
                       [](Pattern const& pattern) { return pattern.optional != 0; });
}

}  // namespace gatesweep
