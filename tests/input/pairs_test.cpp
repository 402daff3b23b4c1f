// [[pairs]] as tokens: which of them count, and what is refused, with file and row.
#include "gatesweep/input/pairs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gatesweep/base/file.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class PairsTest : public testing::TestWithParam<Tokenization> {
protected:
    PairsTest() {
        job_.model.path = fs::path(GATESWEEP_GOLDEN_DIR) / "hub-bf16" / "model";
        job_.model.tokenization = GetParam();
    }
    PairSource file(std::string const& text, std::optional<PairCount> count = std::nullopt) {
        PairSource out;
        out.name = "p";
        out.file = folder_.write("pairs.jsonl", text);
        out.count = count;
        return out;
    }
    PairSource built(std::string const& csv, std::string const& refusals = "No.\n\nI will not.\r\n") {
        PairSource out;
        out.name = "p";
        out.prompts = folder_.write("prompts.csv", csv);
        out.responses = {ResponseSource{folder_.write("refusals.txt", refusals), ""}, ResponseSource{{}, "answer"}};
        return out;
    }
    std::vector<Pair> load(PairSource source) {
        job_.pairs = {std::move(source)};
        return load_pairs(job_, {512, 2048, 1}).pairs;
    }
    // The counted tokens of a side as text.
    std::string counted(PairSide const& side) {
        return Tokenizer::load(job_.model.path, GetParam()).decode(side.counted());
    }
    static std::string row(std::string const& answer_0, std::string const& target_0, std::string const& answer_1,
                           std::string const& target_1) {
        json const user = {{"role", "user"}, {"content", "Say no, please."}};
        return json{{"messages_0", {user, {{"role", "assistant"}, {"content", answer_0}}}},
                    {"messages_1", {user, {{"role", "assistant"}, {"content", answer_1}}}},
                    {"messages_0_target", target_0},
                    {"messages_1_target", target_1}}
                   .dump() +
               "\n";
    }

    TemporaryFolder folder_;
    Job job_;
};

TEST_P(PairsTest, CountsTheLastPlaceOfTheTarget) {
    auto const pairs = load(file(row("no, no, no", "no", "Say no, please.", "please")));
    ASSERT_EQ(pairs.size(), 1u);
    auto const& [first, second] = pairs[0].sides;
    EXPECT_EQ(counted(first), "no");
    EXPECT_EQ(first.last, std::ssize(first.token_ids) - 1);  // what follows is the end of the turn
    EXPECT_EQ(counted(second), "please");
    EXPECT_EQ(pairs[0].id.size(), 12u);
}

TEST_P(PairsTest, CountsWhatTheJobSays) {
    std::string const text = row("Sure, say no!", "no", "Never", "Never");
    EXPECT_EQ(counted(load(file(text, PairCount::response))[0].sides[0]), "Sure, say no!");
    EXPECT_EQ(counted(load(file(text, PairCount::prompt))[0].sides[0]), "Say no, please.");
    EXPECT_EQ(counted(load(file(text))[0].sides[0]), "no");
    // The answer repeats the whole question, which still is the question's.
    auto const again = load(file(row("Say no, please.", "no", "x", "x"), PairCount::prompt))[0].sides[0];
    EXPECT_LT(again.last, std::ssize(again.token_ids) - 4);
}

TEST_P(PairsTest, FindsATextThatTheTemplateTrimmed) {
    auto const pairs = load(file(row("  yes it is ", "  yes it is ", "b", "b"), PairCount::response));
    EXPECT_NE(counted(pairs[0].sides[0]).find("yes it is"), std::string::npos);
}

TEST_P(PairsTest, BuildsAnswersToEveryPrompt) {
    auto const pairs = load(built("id,prompt,answer\nx,One?,First.\ny,Two?,Second.\nz,Three?,Third.\n"));
    ASSERT_EQ(pairs.size(), 3u);
    EXPECT_EQ(pairs[1].id, "y");
    EXPECT_EQ(counted(pairs[0].sides[0]), "No.");
    EXPECT_EQ(counted(pairs[1].sides[0]), "I will not.");
    EXPECT_EQ(counted(pairs[2].sides[0]), "No.");  // from the start again
    EXPECT_EQ(counted(pairs[2].sides[1]), "Third.");
}

TEST_P(PairsTest, AsksWithAndWithoutTheDocument) {
    PairSource source;
    source.name = "p";
    source.prompts = folder_.write("faith.csv", "id,text_of,question\na,It is red.,Which colour?\n");
    source.document = "text_of";
    source.question = "question";
    auto const pairs = load(source);
    EXPECT_EQ(counted(pairs[0].sides[0]), "Which colour?");
    EXPECT_EQ(counted(pairs[0].sides[1]), "Which colour?");
    EXPECT_GT(pairs[0].sides[0].token_ids.size(), pairs[0].sides[1].token_ids.size());
    source.count = PairCount::prompt;
    EXPECT_EQ(counted(load(source)[0].sides[0]), "Document: It is red. Question: Which colour?");
}

TEST_P(PairsTest, TakesTextsWithoutATemplate) {
    auto const pairs = load(file(R"({"messages_0": "one two three", "messages_1": "two", "messages_0_target": "two",)"
                                 R"( "messages_1_target": "two", "id": 7})"));
    EXPECT_EQ(pairs[0].id, "7");
    EXPECT_EQ(counted(pairs[0].sides[0]), "two");
    EXPECT_EQ(pairs[0].sides[1].token_ids[0], 1);  // begins as any sequence
}

TEST_P(PairsTest, RefusesByFileAndRow) {
    std::string const good = row("b", "b", "c", "c");
    EXPECT_ERROR(load(file(good + row("b", "z", "c", "c"))), ExitCode::bad_data, "pairs.jsonl row 2",
                 "messages_0_target", "does not stand");
    EXPECT_ERROR(load(file(good + "{\"messages_0\": []}\n")), ExitCode::bad_data, "row 2", "messages_0 is empty");
    EXPECT_ERROR(load(file("{\"messages_1\": []}\n")), ExitCode::bad_data, "row 1", "no messages_0");
    EXPECT_ERROR(load(file(good + "{oops\n")), ExitCode::bad_data, "row 2");
    EXPECT_ERROR(load(file("\n")), ExitCode::bad_data, "holds no pair");
    EXPECT_ERROR(load(file(row("b", "", "c", "c"))), ExitCode::bad_data, "row 1", "it is empty");
    EXPECT_ERROR(
        load(file(R"({"messages_0": [{"role": "user", "content": "a"}], "messages_1": "b"})", PairCount::response)),
        ExitCode::bad_data, "row 1", "ends with a turn of \"user\"");
    EXPECT_ERROR(load(file(R"({"id": "x", "messages_0": "a", "messages_1": "b", "messages_0_target": "a", )"
                           R"("messages_1_target": "b"})"
                           "\n"
                           R"({"id": "x", "messages_0": "a", "messages_1": "b", "messages_0_target": "a", )"
                           R"("messages_1_target": "b"})")),
                 ExitCode::bad_data, "row 1", "row 2", "two pairs have the id \"x\"");
    EXPECT_ERROR(load(built("id,prompt,answer\nx,One?,\n")), ExitCode::bad_data, "prompts.csv row 1",
                 "\"answer\" is empty");
    EXPECT_ERROR(load(built("id,prompt\nx,One?\n")), ExitCode::bad_data, "no column \"answer\"", "response_1");
    EXPECT_ERROR(load(built("id,prompt,answer\nx,One?,a\n", "\n")), ExitCode::bad_data, "refusals.txt", "no answer");
}

INSTANTIATE_TEST_SUITE_P(Both, PairsTest, testing::Values(Tokenization::huggingface, Tokenization::mistral));

// The golden pairs: tokens and spans are those of transformers' own tokenizer.
TEST(GoldenPairs, HaveTheReferenceTokensAndSpans) {
    for (char const* const checkpoint : {"hub-bf16", "fused-f16", "olmoe-bf16", "qwen3-moe-bf16"}) {
        fs::path const golden = GATESWEEP_GOLDEN_DIR;
        Job job;
        job.model.path = golden / checkpoint / "model";
        PairSource source;
        source.name = "golden";
        source.file = golden / "pairs.jsonl";
        job.pairs = {source};
        auto const pairs = load_pairs(job, {512, 2048, 1}).pairs;
        json const expected = json::parse(read_file(golden / checkpoint / "pairs.json"))["pairs"];
        ASSERT_EQ(pairs.size(), expected.size());
        for (std::size_t p = 0; p < pairs.size(); ++p) {
            for (std::size_t side = 0; side < 2; ++side) {
                SCOPED_TRACE(std::string(checkpoint) + " " + std::to_string(p) + " " + std::to_string(side));
                json const& want = expected[p]["sides"][side];
                EXPECT_EQ(pairs[p].sides[side].token_ids, want["token_ids"].get<std::vector<std::int32_t>>());
                EXPECT_EQ(pairs[p].sides[side].first, want["first"].get<std::int64_t>());
                EXPECT_EQ(pairs[p].sides[side].last, want["last"].get<std::int64_t>());
            }
        }
    }
}

}  // namespace
}  // namespace gatesweep
