#include "nfc.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "gatesweep/base/utf8.h"
#include "unicode.h"
#include "unicode_tables.h"

namespace gatesweep::bpe {
namespace {

// Hangul syllables are composed by arithmetic (the Unicode standard, section 3.12).
constexpr char32_t first_syllable = 0xAC00, first_lead = 0x1100, first_vowel = 0x1161, first_tail = 0x11A7;
constexpr char32_t num_leads = 19, num_vowels = 21, num_tails = 28;
constexpr char32_t num_syllables = num_leads * num_vowels * num_tails;
constexpr char32_t first_that_changes = 0x300;  // below, every character is its own NFC, alone and beside its like
constexpr char32_t num_points = 0x110000;

struct Parts {
    char32_t first;
    char32_t second;  // 0: a single one
};

struct Tables {
    std::unordered_map<char32_t, std::uint8_t> classes;
    std::unordered_map<char32_t, Parts> parts;
    std::unordered_map<std::uint64_t, char32_t> composed;
    // Whether a text with the character in it may differ from its NFC: marks, what a composition ends with, what NFC
    // takes apart for good. Composed letters are not among them.
    std::vector<bool> is_active = std::vector<bool>(num_points);

    static std::uint64_t key(char32_t first, char32_t second) { return std::uint64_t{first} << 32 | second; }

    Tables() {
        for (std::size_t i = 0; i < combining_classes.size(); i += 3) {  // first, how many, class
            for (std::uint32_t c = 0; c < combining_classes[i + 1]; ++c)
                classes[combining_classes[i] + c] = static_cast<std::uint8_t>(combining_classes[i + 2]);
        }
        for (auto const& [mark, combining] : classes)
            is_active[mark] = true;
        for (char32_t c = first_vowel; c < first_tail + num_tails; ++c)
            is_active[c] = true;
        char32_t whole = 0, first = 0;
        for (std::size_t i = 0; i < canonical_pairs.size(); i += 3) {  // steps of both, second x 2 + is composed
            whole += static_cast<char32_t>(canonical_pairs[i]);
            first += static_cast<char32_t>(canonical_pairs[i + 1]);
            auto const second = static_cast<char32_t>(canonical_pairs[i + 2] / 2);
            parts[whole] = {first, second};
            bool const is_composed = canonical_pairs[i + 2] % 2 == 1;
            if (is_composed) composed[key(first, second)] = whole;
            is_active[is_composed ? second : whole] = true;
        }
        whole = first = 0;
        for (std::size_t i = 0; i < canonical_singles.size(); i += 2) {
            whole += static_cast<char32_t>(canonical_singles[i]);
            first += static_cast<char32_t>(canonical_singles[i + 1]);
            parts[whole] = {first, 0};
            is_active[whole] = true;
        }
    }
};

Tables const& tables() {
    static Tables const all;
    return all;
}

struct Unit {
    char32_t code;
    std::uint8_t combining;
    char user;
    std::uint32_t origin;
};

void decompose(char32_t c, char user, std::uint32_t origin, std::vector<Unit>& out) {
    if (c >= first_syllable && c < first_syllable + num_syllables) {
        char32_t const index = c - first_syllable;
        out.push_back({first_lead + index / (num_vowels * num_tails), 0, user, origin});
        out.push_back({first_vowel + index / num_tails % num_vowels, 0, user, origin});
        if (index % num_tails != 0) out.push_back({first_tail + index % num_tails, 0, user, origin});
        return;
    }
    auto const found = tables().parts.find(c);
    if (found != tables().parts.end()) {
        decompose(found->second.first, user, origin, out);
        if (found->second.second != 0) decompose(found->second.second, user, origin, out);
        return;
    }
    auto const combining = tables().classes.find(c);
    out.push_back({c, combining == tables().classes.end() ? std::uint8_t{0} : combining->second, user, origin});
}

// The composition of two, 0 where there is none.
char32_t compose(char32_t first, char32_t second) {
    if (first >= first_lead && first < first_lead + num_leads && second >= first_vowel &&
        second < first_vowel + num_vowels)
        return first_syllable + ((first - first_lead) * num_vowels + (second - first_vowel)) * num_tails;
    if (first >= first_syllable && first < first_syllable + num_syllables &&
        (first - first_syllable) % num_tails == 0 && second > first_tail && second < first_tail + num_tails)
        return first + (second - first_tail);
    auto const found = tables().composed.find(Tables::key(first, second));
    return found == tables().composed.end() ? 0 : found->second;
}

void put_marks_into_order(std::vector<Unit>& units) {
    for (auto begin = units.begin(); begin != units.end();) {
        if (begin->combining == 0) {
            ++begin;
            continue;
        }
        auto const end = std::find_if(begin, units.end(), [](Unit const& u) { return u.combining == 0; });
        std::stable_sort(begin, end, [](Unit const& a, Unit const& b) { return a.combining < b.combining; });
        begin = end;
    }
}

void compose_all(std::vector<Unit>& units) {
    constexpr auto nowhere = static_cast<std::size_t>(-1);
    std::size_t starter = nowhere, size = 0;
    int last_class = -1;  // of what stands between the starter and here: -1, nothing
    for (Unit const unit : units) {
        if (starter != nowhere && last_class < static_cast<int>(unit.combining)) {
            if (char32_t const whole = compose(units[starter].code, unit.code)) {
                units[starter].code = whole;
                units[starter].user |= unit.user;
                continue;
            }
        }
        if (unit.combining == 0) {
            starter = size;
            last_class = -1;
        } else {
            last_class = unit.combining;
        }
        units[size++] = unit;
    }
    units.resize(size);
}

}  // namespace

MarkedText to_nfc(MarkedText text) {
    bool changes = false;
    for (std::size_t at = 0; at < text.bytes.size() && !changes;) {
        Character const c = character_at(text.bytes, at);
        changes = c.code >= first_that_changes && tables().is_active[c.code];
        at += c.size;
    }
    if (!changes) return text;
    std::vector<Unit> units;
    units.reserve(text.bytes.size());
    for (std::size_t at = 0; at < text.bytes.size();) {
        Character const c = character_at(text.bytes, at);
        decompose(c.code, text.user.empty() ? '\0' : text.user[at], text.origins.empty() ? 0 : text.origins[at], units);
        at += c.size;
    }
    put_marks_into_order(units);
    compose_all(units);
    MarkedText out;
    out.bytes.reserve(text.bytes.size());
    for (Unit const& unit : units) {
        append_utf8(out.bytes, unit.code);
        if (!text.user.empty()) out.user.resize(out.bytes.size(), unit.user);
        if (!text.origins.empty()) out.origins.resize(out.bytes.size(), unit.origin);
    }
    return out;
}

}  // namespace gatesweep::bpe
