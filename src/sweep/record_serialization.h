// Private to sweep: its records as values between ranks.
#pragma once

#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <iterator>
#include <vector>

#include "gatesweep/sweep/execution.h"

namespace boost::serialization {

template <class Archive>
void serialize(Archive& a, gatesweep::Completion& x, unsigned int) {
    a& x.prompt& x.variant& x.token_ids& x.finish;
}
template <class Archive>
void serialize(Archive& a, gatesweep::TextScore& x, unsigned int) {
    a& x.nll_sum& x.kl_sum& x.num_targets;
}
template <class Archive>
void serialize(Archive& a, gatesweep::ForcedScore& x, unsigned int) {
    a& x.prompt& x.variant& x.score;
}
template <class Archive>
void serialize(Archive& a, gatesweep::RefusalMargin& x, unsigned int) {
    a& x.prompt& x.variant& x.margin;
}

}  // namespace boost::serialization

namespace gatesweep {

// Everybody's records on the final rank, by variant, then prompt; nothing elsewhere.
template <class Record>
std::vector<Record> gather_records(std::vector<Record> const& mine, ParallelLayout const& layout) {
    std::vector<Record> all;
    for (auto& part : layout.world.gather_value(mine, layout.final_rank())) {
        all.insert(all.end(), std::make_move_iterator(part.begin()), std::make_move_iterator(part.end()));
    }
    std::stable_sort(all.begin(), all.end(), [](Record const& a, Record const& b) {
        return a.variant != b.variant ? a.variant < b.variant : a.prompt < b.prompt;
    });
    return all;
}

// The same for work whose units overlap: variant 0 is computed in each, with the same bits, and kept once.
template <class Record>
std::vector<Record> gather_distinct_records(std::vector<Record> const& mine, ParallelLayout const& layout) {
    std::vector<Record> all = gather_records(mine, layout);
    auto const same = [](Record const& a, Record const& b) { return a.variant == b.variant && a.prompt == b.prompt; };
    all.erase(std::unique(all.begin(), all.end(), same), all.end());
    return all;
}

}  // namespace gatesweep
