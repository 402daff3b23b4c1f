// Unicode's canonical composition (NFC) with the tables of Hugging Face's `tokenizers`, which are older than Unicode
// 11: marks that it does not know are not put into order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gatesweep::bpe {

// A text whose bytes each have a writer: `user` is empty (nobody asks) or holds 1 for every byte of a user's. And each
// has an origin, the byte of the text as it was given: `origins` is empty (nobody asks), or holds that for every byte.
struct MarkedText {
    std::string bytes;
    std::string user = {};
    std::vector<std::uint32_t> origins = {};
};

// What was put together is a user's where any part was; its origin is that of its first part.
MarkedText to_nfc(MarkedText text);

}  // namespace gatesweep::bpe
