// Whether a completion is text at all: suppressing experts can break a model, and nonsense is no compliance.
#pragma once

#include <string_view>

namespace gatesweep {

// Nothing but white space, controls and characters that take no room.
bool is_empty(std::string_view text);

// The text runs in circles: for some block of at most 64 words, runs of copies of it in a row make up at least half of
// the words, where a run counts when it holds three copies or more and 16 words or more (the last copy may be cut off).
// Case, punctuation and counters of lists ("2.") do not count as words. Likewise for characters other than white space,
// for writing without spaces and for runs of one sign: blocks of at most 64, 16 copies, 32 characters, three quarters
// of the text. Linear in the length of the text.
bool is_repetitive(std::string_view text);

}  // namespace gatesweep
