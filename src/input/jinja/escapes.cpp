#include "escapes.h"

#include <algorithm>
#include <charconv>

#include "gatesweep/base/utf8.h"
#include "lexer.h"

namespace gatesweep::jinja {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace

std::optional<std::string> read_escape(std::string_view source, std::size_t& at) {
    static constexpr std::string_view letters = "ntr\\'\"abfv", meanings = "\n\t\r\\'\"\a\b\f\v";
    char const c = at < source.size() ? source[at] : '\0';
    if (auto const which = letters.find(c); which != letters.npos) return std::string(1, meanings[which]);
    if (c == '\n') return "";
    std::size_t const size = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (size == 0 && (c == 'N' || c == '\0' || is_digit(c))) return std::nullopt;
    if (static_cast<unsigned char>(c) >= 0x80) return std::nullopt;
    if (size == 0) return std::string("\\") + c;  // Python keeps what is no escape
    std::uint32_t code = 0;
    std::string_view const digits = source.substr(std::min(at + 1, source.size()), size);
    auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    bool const sound = digits.size() == size && error == std::errc() && end == digits.data() + size;
    if (!sound || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return std::nullopt;
    at += size;
    std::string out;
    append_utf8(out, static_cast<char32_t>(code));
    return out;
}

}  // namespace gatesweep::jinja
