#include "merges.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace gatesweep::bpe {
namespace {

constexpr std::uint64_t no_key = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t few = 24;  // so many symbols are searched faster than they are queued

std::uint64_t key_of(std::int32_t left, std::int32_t right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}

// A pair that waits to be joined, by the place of its left symbol.
struct Waiting {
    std::uint32_t rank;
    std::uint32_t place;
    std::int32_t joined;
};

bool goes_later(Waiting const& a, Waiting const& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.place > b.place;
}

}  // namespace

Merges::Merges(std::size_t num_expected) {
    grow(std::bit_ceil(std::max<std::size_t>(16, 2 * num_expected)));
}

std::size_t Merges::slot_of(std::uint64_t key) const {
    std::size_t const mask = slots_.size() - 1;
    std::uint64_t mixed = key * 0x9E3779B97F4A7C15u;
    mixed ^= mixed >> 32;
    std::size_t slot = mixed & mask;
    while (slots_[slot].key != no_key && slots_[slot].key != key)
        slot = (slot + 1) & mask;
    return slot;
}

void Merges::grow(std::size_t num_slots) {
    std::vector<Slot> old(num_slots, Slot{no_key, {}});
    old.swap(slots_);
    for (Slot const& slot : old) {
        if (slot.key != no_key) slots_[slot_of(slot.key)] = slot;
    }
}

void Merges::add(std::int32_t left, std::int32_t right, Merge merge) {
    if (2 * (num_used_ + 1) > slots_.size()) grow(2 * slots_.size());
    Slot& slot = slots_[slot_of(key_of(left, right))];
    num_used_ += slot.key == no_key;
    slot = {key_of(left, right), merge};
}

Merge const* Merges::find(std::int32_t left, std::int32_t right) const {
    Slot const& slot = slots_[slot_of(key_of(left, right))];
    return slot.key == no_key ? nullptr : &slot.merge;
}

void Merges::apply(std::vector<std::int32_t>& symbols) const {
    if (symbols.size() <= few)
        apply_to_few(symbols);
    else
        apply_to_many(symbols);
}

void Merges::apply_to_few(std::vector<std::int32_t>& symbols) const {
    constexpr Merge none{std::numeric_limits<std::uint32_t>::max(), -1};
    auto const merge_at = [&](std::size_t i) {
        if (i + 1 >= symbols.size()) return none;
        Merge const* merge = find(symbols[i], symbols[i + 1]);
        return merge ? *merge : none;
    };
    Merge merges[few];
    for (std::size_t i = 0; i < symbols.size(); ++i)
        merges[i] = merge_at(i);
    while (symbols.size() > 1) {
        auto const* best = std::min_element(merges, merges + symbols.size(),
                                            [](Merge const& a, Merge const& b) { return a.rank < b.rank; });
        if (best->joined < 0) return;
        auto const at = static_cast<std::size_t>(best - merges);
        symbols[at] = best->joined;
        symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at + 1));
        std::copy(merges + at + 2, merges + symbols.size() + 1, merges + at + 1);
        merges[at] = merge_at(at);
        if (at > 0) merges[at - 1] = merge_at(at - 1);
    }
}

// A queue of pairs. One whose symbols have changed since it was queued counts only if it still joins to the same.
void Merges::apply_to_many(std::vector<std::int32_t>& symbols) const {
    auto const size = static_cast<std::uint32_t>(symbols.size());
    constexpr std::int32_t gone = -1;
    std::vector<std::uint32_t> next(size), previous(size);  // `size`: none
    for (std::uint32_t i = 0; i < size; ++i) {
        next[i] = i + 1;
        previous[i] = i == 0 ? size : i - 1;
    }
    std::vector<Waiting> queue;
    auto const candidate = [&](std::uint32_t at) -> Merge const* {
        if (at == size || symbols[at] == gone || next[at] == size) return nullptr;
        return find(symbols[at], symbols[next[at]]);
    };
    for (std::uint32_t i = 0; i + 1 < size; ++i) {
        if (Merge const* merge = candidate(i)) queue.push_back({merge->rank, i, merge->joined});
    }
    std::make_heap(queue.begin(), queue.end(), goes_later);
    auto const enqueue = [&](std::uint32_t at) {
        Merge const* merge = candidate(at);
        if (!merge) return;
        queue.push_back({merge->rank, at, merge->joined});
        std::push_heap(queue.begin(), queue.end(), goes_later);
    };
    while (!queue.empty()) {
        std::pop_heap(queue.begin(), queue.end(), goes_later);
        Waiting const first = queue.back();
        queue.pop_back();
        Merge const* merge = candidate(first.place);
        if (!merge || merge->joined != first.joined) continue;
        std::uint32_t const right = next[first.place];
        symbols[first.place] = first.joined;
        symbols[right] = gone;
        next[first.place] = next[right];
        if (next[right] != size) previous[next[right]] = first.place;
        enqueue(previous[first.place]);
        enqueue(first.place);
    }
    std::erase(symbols, gone);
}

}  // namespace gatesweep::bpe
