// A completion as plain words, so that rules need not know how it was typed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep {

struct PlainWord {
    std::string text;
    std::int32_t sentence = 0;  // from 0
};

// Lower case words without punctuation. Curly and full-width characters are the plain ones, contractions are written
// out
// ("can't" and "cannot" are "can not", "I'm" is "i am"), counters of lists ("2.", "3)") are left out. A sentence ends
// with . ! ? or the line. Letters outside ASCII stay as they are. Linear in the length of the text.
std::vector<PlainWord> plain_words(std::string_view text);

}  // namespace gatesweep
