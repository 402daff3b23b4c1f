#include "plain_words.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gatesweep/base/utf8.h"

namespace gatesweep {
namespace {

// What typography made of an ASCII character; 0 for a character that takes no room.
char32_t plain(char32_t c) {
    if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;  // full width
    if (c >= U'A' && c <= U'Z') return c + 32;
    if (c < 0x80) return c == U'`' ? U'\'' : c;
    if (c == 0x2018 || c == 0x2019 || c == 0x201B || c == 0x2032 || c == 0x02BC || c == 0xB4) return U'\'';
    if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212) return U'-';
    if (c == 0x2026 || c == 0x3002) return U'.';
    if (c == 0x2028 || c == 0x2029 || c == 0x85) return U'\n';
    if (c == 0xA0 || !is_blank(c)) return c == 0xA0 ? U' ' : c;
    bool const is_space = (c >= 0x2000 && c <= 0x200A) || c == 0x1680 || c == 0x202F || c == 0x205F || c == 0x3000;
    return is_space ? U' ' : 0;
}

bool is_digit(char32_t c) {
    return c >= U'0' && c <= U'9';
}

bool is_letter(char32_t c) {
    bool const is_mark = c < 0xC0 || (c >= 0x2000 && c <= 0x206F) || c == 0xD7 || c == 0xF7 || c == 0xFFFD ||
                         (c >= 0x3000 && c <= 0x3020);
    return (c >= U'a' && c <= U'z') || is_digit(c) || !is_mark;
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 13> written_out = {{
    {"cannot", "can not"},
    {"can't", "can not"},
    {"cant", "can not"},
    {"won't", "will not"},
    {"wont", "will not"},
    {"shan't", "shall not"},
    {"ain't", "is not"},
    {"im", "i am"},
    {"dont", "do not"},
    {"isnt", "is not"},
    {"let's", "let us"},
    {"it's", "it is"},
    {"that's", "that is"},
}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> endings = {{
    {"n't", " not"},
    {"'m", " am"},
    {"'re", " are"},
    {"'ll", " will"},
    {"'ve", " have"},
    {"'d", " would"},
}};

std::string write_out(std::string const& word) {
    auto const whole =
        std::find_if(written_out.begin(), written_out.end(), [&](auto const& p) { return p.first == word; });
    if (whole != written_out.end()) return std::string(whole->second);
    for (auto const& [ending, words] : endings) {
        if (word.size() > ending.size() && word.ends_with(ending)) {
            return word.substr(0, word.size() - ending.size()).append(words);
        }
    }
    return word;
}

class Reader {
public:
    explicit Reader(std::string_view text) {
        for (char32_t const c : decode_utf8(text)) {
            if (char32_t const p = plain(c)) text_ += p;
        }
    }

    std::vector<PlainWord> words() {
        while (at_ < text_.size()) {
            if (is_letter(text_[at_])) {
                read_word();
            } else {
                if (ends_sentence()) end_sentence();
                ++at_;
            }
        }
        return std::move(words_);
    }

private:
    char32_t peek(std::size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : U'\n'; }

    void read_word() {
        std::string word;
        bool digits_only = true;
        for (; is_letter(peek(0)) || (peek(0) == U'\'' && is_letter(peek(1))); ++at_) {
            digits_only = digits_only && is_digit(text_[at_]);
            append_utf8(word, text_[at_]);
        }
        bool const is_counter =
            digits_only && sentence_is_empty_ && (peek(0) == U'.' || peek(0) == U')') && is_blank(peek(1));
        if (is_counter) {
            ++at_;
            return;
        }
        std::string const plain_text = write_out(word);
        for (std::size_t begin = 0; begin < plain_text.size();) {
            std::size_t const end = std::min(plain_text.find(' ', begin), plain_text.size());
            words_.push_back({plain_text.substr(begin, end - begin), sentence_});
            begin = end + 1;
        }
        sentence_is_empty_ = false;
        is_behind_initial_ = word.size() == 1 && !digits_only;
    }

    // A dot behind a single letter ("e.g.", "J. Doe") or before a letter ("3.5", "a.b") ends nothing.
    bool ends_sentence() const {
        char32_t const c = text_[at_];
        if (c == U'\n' || c == U'!' || c == U'?') return true;
        return c == U'.' && !is_letter(peek(1)) && !is_behind_initial_;
    }

    void end_sentence() {
        if (sentence_is_empty_) return;
        ++sentence_;
        sentence_is_empty_ = true;
        is_behind_initial_ = false;
    }

    std::u32string text_;
    std::vector<PlainWord> words_;
    std::size_t at_ = 0;
    std::int32_t sentence_ = 0;
    bool sentence_is_empty_ = true;
    bool is_behind_initial_ = false;  // the word before is a single letter
};

}  // namespace

std::vector<PlainWord> plain_words(std::string_view text) {
    return Reader(text).words();
}

}  // namespace gatesweep
