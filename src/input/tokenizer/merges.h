// Byte-pair merges: which two tokens join into which, and in what order.
#pragma once

#include <cstdint>
#include <vector>

namespace gatesweep::bpe {

struct Merge {
    std::uint32_t rank;  // the lowest goes first
    std::int32_t joined;
};

class Merges {
public:
    explicit Merges(std::size_t num_expected = 0);

    // A pair that is given again takes the later rank.
    void add(std::int32_t left, std::int32_t right, Merge merge);
    Merge const* find(std::int32_t left, std::int32_t right) const;
    // Joins neighbours of `symbols` until no merge is left: lowest rank first, of equals the leftmost. O(n log n).
    void apply(std::vector<std::int32_t>& symbols) const;

private:
    struct Slot {
        std::uint64_t key;
        Merge merge;
    };
    std::size_t slot_of(std::uint64_t key) const;
    void grow(std::size_t num_slots);
    void apply_to_few(std::vector<std::int32_t>& symbols) const;
    void apply_to_many(std::vector<std::int32_t>& symbols) const;

    std::vector<Slot> slots_;  // a power of two of them, at most half in use
    std::size_t num_used_ = 0;
};

}  // namespace gatesweep::bpe
