// The routing that `try` shows: without edits what Hugging Face transformers routes, with edits what they leave.
#include "app/try/routing_beside.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/golden.h"

namespace gatesweep {
namespace {

std::int64_t tokens_of(std::vector<std::vector<std::int64_t>> const& tokens, std::int64_t expert) {
    return std::ranges::count_if(tokens,
                                 [&](auto const& chosen) { return std::ranges::find(chosen, expert) != chosen.end(); });
}

class RoutingBeside : public testing::TestWithParam<std::string> {};

TEST_P(RoutingBeside, HasTheCountsOfTransformersAndNoMaskedExpert) {
    Golden const golden = load_golden(GetParam());
    ParallelLayout const layout = make_parallel_layout(Communicator(), 1);
    Decoder const model = load_model(golden.model_folder(), layout, at::kFloat);
    auto const layers = model.config().sparse_layers();
    RouterEdits edits = no_edits(golden);
    RouterEdit const mask{layers.back(), 1};
    edits.add(EditMode::mask, EditScope::both, std::span(&mask, 1));
    auto const counts = golden.counts();
    auto const& prompt = golden.prompts.front();
    auto const reply = golden.json.at("prompts")[0].at("greedy_ids").get<std::vector<std::int32_t>>();
    auto const texts = routing_of(model, edits, prompt, {{0, 0, {}}, {0, 1, {}}, {0, 1, reply}});
    ASSERT_EQ(texts.size(), 3u);
    for (std::size_t row = 0; row < layers.size(); ++row) {
        ASSERT_EQ(texts[0][row].size(), prompt.size());
        ASSERT_EQ(texts[2][row].size(), prompt.size() + reply.size());
        for (std::int64_t e = 0; e < counts.shape[2]; ++e)
            EXPECT_EQ(tokens_of(texts[0][row], e), counts.at(0, static_cast<std::int64_t>(row), e)) << row << ' ' << e;
        bool const is_last = row + 1 == layers.size();
        if (!is_last) EXPECT_EQ(texts[1][row], texts[0][row]) << "below the edit";
        // What stands before a token decides: the reply changes nothing of the prompt.
        auto const& whole = texts[2][row];
        EXPECT_TRUE(std::equal(texts[1][row].begin(), texts[1][row].end(), whole.begin()));
    }
    EXPECT_EQ(tokens_of(texts[1].back(), 1), 0);
    EXPECT_EQ(tokens_of(texts[2].back(), 1), 0);
}

INSTANTIATE_TEST_SUITE_P(Families, RoutingBeside,
                         testing::Values("hub-bf16", "qwen3-moe-f32", "deepseek-f32", "phimoe-bf16", "gpt-oss-f32"));

TEST(RoutingTable, ShowsWhatMoved) {
    TextRouting const plain = {{{0, 1}, {0, 2}, {1, 2}}}, edited = {{{1, 3}, {2, 3}, {1, 2}, {0, 3}}};
    std::string const table = routing_table({plain, edited}, 3, {4});
    EXPECT_NE(table.find("moved"), std::string::npos);
    EXPECT_NE(table.find("0:2 1:2 2:2"), std::string::npos) << table;
    EXPECT_NE(table.find("33%"), std::string::npos) << "two choices of six\n" << table;
    EXPECT_NE(table.find("    4  "), std::string::npos) << "the decoder layer, not the row\n" << table;
    EXPECT_EQ(routing_table({plain}, 2, {0}).find("moved"), std::string::npos);
}

}  // namespace
}  // namespace gatesweep
