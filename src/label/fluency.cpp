#include "gatesweep/label/fluency.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "gatesweep/base/utf8.h"
#include "plain_words.h"

namespace gatesweep {
namespace {

struct RunRule {
    std::size_t min_copies;
    std::size_t min_length;
    double min_share;
};
constexpr RunRule of_words{3, 16, 0.5};
constexpr RunRule of_characters{16, 32, 0.75};
constexpr std::size_t max_block = 64;

// How many of the items lie in runs with this period that count.
template <class Item>
std::size_t num_in_runs(std::vector<Item> const& items, std::size_t period, RunRule const& rule) {
    std::size_t const enough = std::max(rule.min_copies * period, rule.min_length);
    std::size_t covered = 0;
    std::size_t run = period;  // length of the run that ends here
    for (std::size_t i = period; i <= items.size(); ++i) {
        if (i < items.size() && items[i] == items[i - period]) {
            ++run;
            continue;
        }
        if (run >= enough) covered += run;
        run = period;
    }
    return std::min(covered, items.size());  // runs may share the block between them
}

template <class Item>
bool runs_in_circles(std::vector<Item> const& items, RunRule const& rule) {
    for (std::size_t period = 1; period <= max_block && period < items.size(); ++period) {
        auto const covered = static_cast<double>(num_in_runs(items, period, rule));
        if (covered > 0.0 && covered >= rule.min_share * static_cast<double>(items.size())) return true;
    }
    return false;
}

std::vector<std::size_t> word_ids(std::string_view text) {
    std::unordered_map<std::string, std::size_t> ids;
    std::vector<std::size_t> out;
    for (auto& word : plain_words(text))
        out.push_back(ids.try_emplace(std::move(word.text), ids.size()).first->second);
    return out;
}

}  // namespace

bool is_empty(std::string_view text) {
    auto const characters = decode_utf8(text);
    return std::all_of(characters.begin(), characters.end(), is_blank);
}

bool is_repetitive(std::string_view text) {
    if (runs_in_circles(word_ids(text), of_words)) return true;
    std::vector<char32_t> characters;
    for (char32_t const c : decode_utf8(text)) {
        if (!is_blank(c)) characters.push_back(c);
    }
    return runs_in_circles(characters, of_characters);
}

}  // namespace gatesweep
