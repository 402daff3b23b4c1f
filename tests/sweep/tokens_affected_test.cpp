// Tokens that a trial's edits met, and the message where there were none.
#include "gatesweep/sweep/tokens_affected.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace gatesweep {
namespace {

using Counts = std::map<std::pair<std::int64_t, std::string>, std::int64_t>;

std::int32_t edit(RouterEdits& edits, EditScope scope) {
    RouterEdit const one{1, 0, 1.0};
    return edits.add(EditMode::mask, scope, {&one, 1});
}

TEST(TokensAffected, FollowTheScope) {
    RouterEdits edits(2, 4);
    std::int32_t const both = edit(edits, EditScope::both), prefill = edit(edits, EditScope::prefill),
                       decode = edit(edits, EditScope::decode);
    std::vector<std::vector<std::int32_t>> const prompts = {{1, 2, 3}, {1, 2}};
    std::vector<Completion> completions;
    for (std::int32_t const variant : {0, both, prefill, decode}) {
        completions.push_back({0, variant, {5, 6, 7, 8}, FinishReason::length});
        completions.push_back({1, variant, {2}, FinishReason::eos});
    }
    Counts const expected = {{{both, "a"}, 6},    {{both, "b"}, 2},   {{prefill, "a"}, 3},
                             {{prefill, "b"}, 2}, {{decode, "a"}, 3}, {{decode, "b"}, 0}};
    EXPECT_EQ(tokens_affected(edits, {"a", "b"}, prompts, completions), expected);
}

TEST(TokensAffected, NoneIsAFailure) {
    TrialPlan plan;
    plan.trials.resize(3);
    plan.trials[1].id = "t1";
    plan.trials[2].id = "t2";
    plan.trials[2].name = "late";
    plan.trials[2].scope = EditScope::decode;
    require_tokens_affected(plan, {{{1, "a"}, 0}, {{1, "b"}, 2}, {{2, "a"}, 1}});
    EXPECT_ERROR(require_tokens_affected(plan, {{{1, "a"}, 3}, {{2, "a"}, 0}}), ExitCode::bad_data, "t2", "late",
                 "touched no token", "scope decode");
}

}  // namespace
}  // namespace gatesweep
