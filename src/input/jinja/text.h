// What Python does with texts, character by character, and every byte keeps its author. Operations that depend on the
// case or kind of letters of rare scripts are refused rather than guessed.
#pragma once

#include <optional>

#include "value.h"

namespace gatesweep::jinja {

struct Character {
    char32_t code = 0;
    std::size_t at = 0;  // first byte
    std::size_t size = 0;
};
std::vector<Character> characters(std::string_view text);
std::int64_t character_count(std::string_view text);

enum class Side { left, right, both };
Text strip(Text const& text, Side side);                             // white space
Text strip(Text const& text, Side side, std::string_view of_these);  // characters of a set
std::vector<Text> split(Text const& text, std::int64_t most);        // at white space; most < 0: everywhere
std::vector<Text> split_right(Text const& text, std::int64_t most);
std::vector<Text> split(Text const& text, std::string_view at, std::int64_t most);
std::vector<Text> split_right(Text const& text, std::string_view at, std::int64_t most);
std::vector<Text> split_lines(Text const& text, bool keep_ends);
Text replace(Text const& text, std::string_view old, Text const& with, std::int64_t most);
Text join(Text const& between, std::vector<Text> const& parts);
Text repeat(Text const& text, std::int64_t times);
Text pad(Text const& text, std::int64_t width, Text const& fill, Side text_side);  // both: centred
void append(Text& target, Text const& more);                                       // within the budget
// text[begin:end:step] with bounds already made whole.
Text slice(Text const& text, std::int64_t begin, std::int64_t end, std::int64_t step);

}  // namespace gatesweep::jinja
