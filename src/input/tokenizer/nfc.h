// Unicode's canonical composition (NFC) with the tables of Hugging Face's `tokenizers`, which are older than Unicode
// 11: marks that it does not know are not put into order.
#pragma once

#include <string>

namespace gatesweep::bpe {

// A text whose bytes each have a writer: `user` is empty (nobody asks) or holds 1 for every byte of a user's.
struct MarkedText {
    std::string bytes;
    std::string user;
};

// What was put together is a user's where any part was.
MarkedText to_nfc(MarkedText text);

}  // namespace gatesweep::bpe
