#include "added_tokens.h"

#include <algorithm>

#include "unicode.h"

namespace gatesweep::bpe {
namespace {

// The character that ends just before `at`.
Character character_before(std::string_view text, std::size_t at) {
    do {
        --at;
    } while (!begins_character(text[at]));
    return character_at(text, at);
}

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
    return (begin == 0 || !is_word_character(character_before(text, begin).code)) &&
           (end == text.size() || !is_word_character(character_at(text, end).code));
}

// How the bytes of [begin, end) are shared between writers.
enum class Writers { none_is_user, all_are_user, both };
Writers writers_of(MarkedText const& text, std::size_t begin, std::size_t end) {
    if (text.user.empty()) return Writers::none_is_user;
    auto const first = text.user.begin() + static_cast<std::ptrdiff_t>(begin);
    auto const num_user = std::count(first, text.user.begin() + static_cast<std::ptrdiff_t>(end), '\1');
    if (num_user == 0) return Writers::none_is_user;
    return static_cast<std::size_t>(num_user) == end - begin ? Writers::all_are_user : Writers::both;
}

}  // namespace

AddedTokenFinder::AddedTokenFinder(std::vector<std::pair<std::string, AddedToken const*>> const& sought) : nodes_(1) {
    for (auto const& [text, token] : sought)
        insert(text, token);
}

void AddedTokenFinder::insert(std::string_view text, AddedToken const* token) {
    if (text.empty()) return;
    begins_[static_cast<unsigned char>(text.front())] = true;
    std::size_t node = 0;
    for (char const c : text) {
        auto& next = nodes_[node].next;
        auto const place = std::lower_bound(next.begin(), next.end(), c,
                                            [](auto const& entry, char value) { return entry.first < value; });
        if (place != next.end() && place->first == c) {
            node = place->second;
            continue;
        }
        std::size_t const created = nodes_.size();
        next.insert(place, {c, created});
        nodes_.emplace_back();
        node = created;
    }
    if (!nodes_[node].token) nodes_[node].token = token;  // the first of two that look alike
}

// A special token that a user wrote in part is none: a shorter one may be.
AddedTokenFinder::Found AddedTokenFinder::longest_at(MarkedText const& text, std::size_t at) const {
    Found best{nullptr, 0, false};
    std::size_t node = 0;
    for (std::size_t end = at; end < text.bytes.size();) {
        auto const& next = nodes_[node].next;
        char const c = text.bytes[end];
        auto const place = std::lower_bound(next.begin(), next.end(), c,
                                            [](auto const& entry, char value) { return entry.first < value; });
        if (place == next.end() || place->first != c) break;
        node = place->second;
        ++end;
        AddedToken const* token = nodes_[node].token;
        if (!token) continue;
        Writers const writers = token->special ? writers_of(text, at, end) : Writers::none_is_user;
        if (writers != Writers::both) best = {token, end - at, writers == Writers::none_is_user};
    }
    return best;
}

std::vector<Segment> AddedTokenFinder::find(MarkedText const& text) const {
    std::vector<Segment> out;
    std::string_view const bytes = text.bytes;
    std::size_t done = 0;
    for (std::size_t at = 0; !nodes_.empty() && at < bytes.size();) {
        if (!begins_[static_cast<unsigned char>(bytes[at])]) {
            ++at;
            continue;
        }
        Found const found = longest_at(text, at);
        if (!found.token) {
            ++at;
            continue;
        }
        std::size_t begin = at, end = at + found.size;
        at = end;
        if (!found.counts || (found.token->single_word && !stands_alone(bytes, begin, end))) continue;
        if (found.token->strips_left) {
            while (begin > done && is_space(character_before(bytes, begin).code))
                begin -= character_before(bytes, begin).size;
        }
        if (found.token->strips_right) {
            while (end < bytes.size() && is_space(character_at(bytes, end).code))
                end += character_at(bytes, end).size;
        }
        if (done < begin) out.push_back({nullptr, done, begin});
        out.push_back({found.token, begin, end});
        done = end;
    }
    if (done < bytes.size()) out.push_back({nullptr, done, bytes.size()});
    return out;
}

}  // namespace gatesweep::bpe
