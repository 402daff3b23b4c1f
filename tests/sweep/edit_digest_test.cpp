// What names a variant's results in a run's log: its edits, wherever in a table they stand.
#include <gtest/gtest.h>

#include <set>

#include "sweep/record_book.h"

namespace gatesweep {
namespace {

constexpr std::int64_t num_layers = 3, num_experts = 4;

std::string digest_of(EditMode mode, EditScope scope, std::vector<RouterEdit> const& list) {
    RouterEdits edits(num_layers, num_experts);
    return edit_digest(edits, edits.add(mode, scope, list));
}

TEST(EditDigest, DependsOnNothingButTheEdits) {
    RouterEdits edits(num_layers, num_experts);
    std::vector<RouterEdit> const other = {{0, 0}, {2, 1}}, wanted = {{1, 2}, {2, 3}}, turned = {{2, 3}, {1, 2}};
    edits.add(EditMode::steer, EditScope::both, other);
    edits.add(EditMode::mask, EditScope::decode, other);
    std::int32_t const variant = edits.add(EditMode::mask, EditScope::both, wanted);
    EXPECT_EQ(edit_digest(edits, variant), digest_of(EditMode::mask, EditScope::both, wanted));
    EXPECT_EQ(edit_digest(edits, variant), digest_of(EditMode::mask, EditScope::both, turned));
    EXPECT_EQ(edit_digest(edits, 0), edit_digest(RouterEdits(num_layers, num_experts), 0));
}

TEST(EditDigest, DiffersWithEveryPartOfThem) {
    std::set<std::string> digests = {edit_digest(RouterEdits(num_layers, num_experts), 0)};
    std::size_t num_variants = 1;
    auto const add = [&](EditMode mode, EditScope scope, std::vector<RouterEdit> const& list) {
        digests.insert(digest_of(mode, scope, list));
        ++num_variants;
    };
    for (EditMode mode :
         {EditMode::mask, EditMode::zero, EditMode::zero_renormalise, EditMode::steer, EditMode::bias}) {
        for (EditScope scope : {EditScope::both, EditScope::prefill, EditScope::decode}) {
            add(mode, scope, {{1, 2}});
            add(mode, scope, {{1, 3}});
            add(mode, scope, {{2, 2}});
            add(mode, scope, {{1, 2}, {1, 3}});
            add(mode, scope, {{1, 2}, {2, 3}});
        }
    }
    add(EditMode::steer, EditScope::both, {{1, 2, -1.0}});
    add(EditMode::bias, EditScope::both, {{1, 2, -1.0}});
    add(EditMode::bias, EditScope::both, {{1, 2, 0.5}});
    EXPECT_EQ(digests.size(), num_variants);
}

TEST(IdsDigest, DiffersWithTokensAndTheirOrder) {
    std::set<std::string> const digests = {ids_digest({}), ids_digest({1}), ids_digest({1, 2}), ids_digest({2, 1}),
                                           ids_digest({0, 1, 2})};
    EXPECT_EQ(digests.size(), 5u);
}

}  // namespace
}  // namespace gatesweep
