#include "text.h"

#include <algorithm>

#include "gatesweep/base/utf8.h"
#include "letters.h"

namespace gatesweep::jinja {
namespace {

constexpr std::size_t max_text_bytes = std::size_t{1} << 28;

char32_t code_of(std::string_view bytes) {
    auto const byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(bytes[i])); };
    switch (bytes.size()) {
        case 1:
            return byte(0) < 0x80 ? byte(0) : replacement_character;
        case 2:
            return ((byte(0) & 0x1F) << 6) | (byte(1) & 0x3F);
        case 3:
            return ((byte(0) & 0x0F) << 12) | ((byte(1) & 0x3F) << 6) | (byte(2) & 0x3F);
        default:
            return ((byte(0) & 0x07) << 18) | ((byte(1) & 0x3F) << 12) | ((byte(2) & 0x3F) << 6) | (byte(3) & 0x3F);
    }
}

template <class Goes>
Text strip_while(Text const& text, Side side, Goes const& goes) {
    auto const all = characters(text.bytes);
    std::size_t begin = 0, end = all.size();
    while (side != Side::right && begin < end && goes(all[begin]))
        ++begin;
    while (side != Side::left && end > begin && goes(all[end - 1]))
        --end;
    if (begin == end) return {};
    std::size_t const from = all[begin].at;
    return text.substr(from, all[end - 1].at + all[end - 1].size - from);
}

bool ends_line(char32_t c) {
    return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

}  // namespace

std::vector<Character> characters(std::string_view text) {
    spend_bytes(text.size() * 4);
    std::vector<Character> out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        std::size_t const size = static_cast<unsigned char>(text[at]) < 0x80
                                     ? 1
                                     : std::max<std::size_t>(1, character_length(text.substr(at, 4)));
        out.push_back({code_of(text.substr(at, size)), at, size});
        at += size;
    }
    return out;
}

std::int64_t character_count(std::string_view text) {
    return static_cast<std::int64_t>(characters(text).size());
}

void append(Text& target, Text const& more) {
    spend_bytes(more.bytes.size());
    if (target.bytes.size() + more.bytes.size() > max_text_bytes) refuse("the template makes too long a text");
    target += more;
}

Text strip(Text const& text, Side side) {
    return strip_while(text, side, [](Character const& c) { return is_space(c.code); });
}

Text strip(Text const& text, Side side, std::string_view of_these) {
    auto const set = characters(of_these);
    return strip_while(text, side, [&](Character const& c) {
        return std::any_of(set.begin(), set.end(), [&](Character const& one) { return one.code == c.code; });
    });
}

std::vector<Text> split(Text const& text, std::int64_t most) {
    auto const all = characters(text.bytes);
    std::vector<Text> out;
    for (std::size_t i = 0; i < all.size();) {
        if (is_space(all[i].code)) {
            ++i;
            continue;
        }
        bool const rest = most >= 0 && static_cast<std::int64_t>(out.size()) == most;
        std::size_t end = rest ? all.size() : i;
        while (!rest && end < all.size() && !is_space(all[end].code))
            ++end;
        std::size_t const stop = end < all.size() ? all[end].at : text.bytes.size();
        out.push_back(text.substr(all[i].at, stop - all[i].at));  // the rest keeps the white space at its end
        i = end;
    }
    spend(out.size());
    return out;
}

std::vector<Text> split_right(Text const& text, std::int64_t most) {
    if (most < 0) return split(text, most);
    Text rest = strip(text, Side::right);
    std::vector<Text> out;
    while (!rest.bytes.empty() && static_cast<std::int64_t>(out.size()) < most) {
        auto const all = characters(rest.bytes);
        std::size_t begin = all.size();
        while (begin > 0 && !is_space(all[begin - 1].code))
            --begin;
        std::size_t const at = all[begin].at;
        out.push_back(rest.substr(at, rest.bytes.size() - at));
        rest = strip(rest.substr(0, at), Side::right);
    }
    if (!rest.bytes.empty()) out.push_back(rest);
    std::reverse(out.begin(), out.end());
    return out;
}

std::vector<Text> split(Text const& text, std::string_view at, std::int64_t most) {
    if (at.empty()) refuse("a text is split at an empty text");
    spend_bytes(text.bytes.size());
    std::vector<Text> out;
    std::size_t begin = 0;
    while (most < 0 || static_cast<std::int64_t>(out.size()) < most) {
        std::size_t const found = text.bytes.find(at, begin);
        if (found == std::string::npos) break;
        out.push_back(text.substr(begin, found - begin));
        begin = found + at.size();
    }
    out.push_back(text.substr(begin, text.bytes.size() - begin));
    spend(out.size());
    return out;
}

std::vector<Text> split_right(Text const& text, std::string_view at, std::int64_t most) {
    if (at.empty()) refuse("a text is split at an empty text");
    spend_bytes(text.bytes.size());
    std::vector<Text> out;
    std::size_t end = text.bytes.size();
    while ((most < 0 || static_cast<std::int64_t>(out.size()) < most) && end >= at.size()) {
        std::size_t const found = text.bytes.rfind(at, end - at.size());
        if (found == std::string::npos) break;
        out.push_back(text.substr(found + at.size(), end - found - at.size()));
        end = found;
    }
    out.push_back(text.substr(0, end));
    spend(out.size());
    std::reverse(out.begin(), out.end());
    return out;
}

std::vector<Text> split_lines(Text const& text, bool keep_ends) {
    auto const all = characters(text.bytes);
    std::vector<Text> out;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!ends_line(all[i].code)) continue;
        std::size_t const line_end = all[i].at;
        if (all[i].code == '\r' && i + 1 < all.size() && all[i + 1].code == '\n') ++i;
        std::size_t const next = all[i].at + all[i].size;
        out.push_back(text.substr(begin, (keep_ends ? next : line_end) - begin));
        begin = next;
    }
    if (begin < text.bytes.size()) out.push_back(text.substr(begin, text.bytes.size() - begin));
    spend(out.size());
    return out;
}

Text replace(Text const& text, std::string_view old, Text const& with, std::int64_t most) {
    Text out;
    std::int64_t done = 0;
    auto const wanted = [&] { return most < 0 || done < most; };
    if (old.empty()) {  // before every character, and at the end
        for (auto const& [code, at, size] : characters(text.bytes)) {
            if (wanted()) append(out, with), ++done;
            out += text.substr(at, size);
        }
        if (wanted()) append(out, with);
        return out;
    }
    std::size_t begin = 0;
    for (std::size_t found; wanted() && (found = text.bytes.find(old, begin)) != std::string::npos; ++done) {
        append(out, text.substr(begin, found - begin));
        append(out, with);
        begin = found + old.size();
        spend(1);
    }
    append(out, text.substr(begin, text.bytes.size() - begin));
    return out;
}

Text join(Text const& between, std::vector<Text> const& parts) {
    Text out;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        spend(1);
        if (i > 0) append(out, between);
        append(out, parts[i]);
    }
    return out;
}

Text repeat(Text const& text, std::int64_t times) {
    Text out;
    if (text.bytes.empty()) return out;
    for (std::int64_t i = 0; i < times; ++i) {
        spend(1);
        append(out, text);
    }
    return out;
}

Text pad(Text const& text, std::int64_t width, Text const& fill, Side text_side) {
    std::int64_t const missing = width - character_count(text.bytes);
    if (missing <= 0) return text;
    // As Python centres: of an odd number of fillers the left side gets the greater half where the width is odd too.
    std::int64_t const left = text_side == Side::left    ? 0
                              : text_side == Side::right ? missing
                                                         : missing / 2 + (missing & width & 1);
    Text out = repeat(fill, left);
    append(out, text);
    append(out, repeat(fill, missing - left));
    return out;
}

Text slice(Text const& text, std::int64_t begin, std::int64_t end, std::int64_t step) {
    auto const all = characters(text.bytes);
    Text out;
    for (std::int64_t i = begin; step > 0 ? i < end : i > end; i += step) {
        auto const& [code, at, size] = all[static_cast<std::size_t>(i)];
        out += text.substr(at, size);
    }
    return out;
}

}  // namespace gatesweep::jinja
