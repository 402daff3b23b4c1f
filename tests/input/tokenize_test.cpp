// Prompts to token ids: the reference's on golden prompts, and the row that an error names.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"
#include "gatesweep/input/prompt_tokens.h"
#include "gatesweep/input/prompts.h"
#include "input/golden_input.h"
#include "input/prompts_test.h"

namespace gatesweep {
namespace {

class TokenizeTest : public PromptsTest {
protected:
    static constexpr std::int64_t vocab_ = 384, longest_ = 512;
    Tokenizer const tokenizer_{golden_model("wide-bf16") / "tokenizer.model"};
    ChatTemplate const chat_ = ChatTemplate::load(golden_model("wide-bf16"));

    std::string refuses_tokens(std::string const& line, ExitCode code = ExitCode::bad_data,
                               TemplateKind kind = TemplateKind::chat) {
        PromptSource from = source("a.jsonl", line);
        from.prompt_template = kind;
        PromptSet set = load({from});
        return refusal(code, [&] { tokenize(set, &tokenizer_, &chat_, vocab_, longest_, 1); });
    }
};

TEST_F(TokenizeTest, golden_prompts_get_the_reference_ids) {
    for (auto const& name : golden_names()) {
        PromptSource benign;
        benign.file = golden_folder() / "prompts.jsonl";
        benign.group = "benign";
        benign.where = {{"group", "benign"}};
        PromptSource harmful = benign;
        harmful.group = "harmful";
        harmful.where = {{"group", "harmful"}};
        PromptSet set = load({benign, harmful});
        Tokenizer const tokenizer(golden_model(name) / "tokenizer.model");
        ChatTemplate const chat = ChatTemplate::load(golden_model(name));
        tokenize(set, &tokenizer, &chat, tokenizer.vocab_size(), 100'000, 1);
        std::map<std::string, Ids> expected;
        nlohmann::json const golden = golden_json(name);
        for (auto const& row : golden["prompts"])
            expected[row["id"]] = row["token_ids"].get<Ids>();
        ASSERT_EQ(set.prompts.size(), expected.size());
        for (auto const& prompt : set.prompts)
            EXPECT_EQ(prompt.token_ids, expected.at(prompt.id)) << name << " " << prompt.id;
    }
}

TEST_F(TokenizeTest, raw_prompts_are_bos_and_the_text) {
    PromptSource raw = source("a.csv", "prompt\n[INST] hi\n");
    raw.prompt_template = TemplateKind::raw;
    PromptSet set = load({raw});
    tokenize(set, &tokenizer_, nullptr, vocab_, longest_, 1);
    Ids expected = tokenizer_.encode("[INST] hi");
    expected.insert(expected.begin(), 1);
    EXPECT_EQ(set.prompts[0].token_ids, expected);
}

TEST_F(TokenizeTest, given_ids_need_neither_tokenizer_nor_template) {
    PromptSet set = load("a.jsonl", "{\"token_ids\": [5, 383]}\n");
    tokenize(set, nullptr, nullptr, vocab_, longest_, 1);
    EXPECT_EQ(set.prompts[0].token_ids, (Ids{5, 383}));
}

TEST_F(TokenizeTest, errors_name_the_row) {
    EXPECT_SAYS(refuses_tokens("{\"token_ids\": [5, 384]}"),
                "a.jsonl row 1: token id 384 is outside the model's vocabulary of 384");
    EXPECT_SAYS(refuses_tokens("{\"token_ids\": [5]}"), "a.jsonl row 1: 1 token (a loss needs a next one)");
    EXPECT_SAYS(refuses_tokens("{\"token_ids\": [1, 1, 5]}"), "two begin-of-sequence tokens");
    EXPECT_SAYS(refuses_tokens("{\"prompt\": \"" + std::string(3000, '7') + "\"}"), "more than the 512 allowed");
    EXPECT_SAYS(refuses_tokens("{\"messages\": [{\"role\": \"assistant\", \"content\": \"x\"}]}"),
                "a.jsonl row 1: the conversation does not end with a user turn");
    EXPECT_SAYS(
        refuses_tokens(
            "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"user\", \"content\": \"x\"}]}"),
        "must alternate");
    EXPECT_SAYS(
        refuses_tokens(
            "{\"messages\": [{\"role\": \"assistant\", \"content\": \"x\"}, {\"role\": \"user\", \"content\": \"x\"}]}",
            ExitCode::bad_data, TemplateKind::raw),
        "messages need a chat template");
    PromptSet set = load("b.csv", "prompt\na\n");
    EXPECT_SAYS(refusal(ExitCode::input_missing, [&] { tokenize(set, nullptr, nullptr, vocab_, longest_, 1); }),
                "b.csv row 1: a prompt is text");
    EXPECT_SAYS(refusal(ExitCode::input_missing, [&] { tokenize(set, &tokenizer_, nullptr, vocab_, longest_, 1); }),
                "there is no chat template");
}

TEST_F(TokenizeTest, the_digest_tells_sets_apart) {
    auto const digest = [&](std::string const& lines, std::string const& group = "benign") {
        PromptSet set = load({source("a.jsonl", lines, group)});
        return set.digest();
    };
    std::string const base = "{\"id\": \"a\", \"token_ids\": [1, 2]}\n{\"id\": \"b\", \"token_ids\": [3, 4]}\n";
    EXPECT_EQ(digest(base), digest(base));
    for (std::string const& other : std::vector<std::string>{
             "{\"id\": \"b\", \"token_ids\": [3, 4]}\n{\"id\": \"a\", \"token_ids\": [1, 2]}\n",
             "{\"id\": \"a\", \"token_ids\": [1, 2, 3]}\n{\"id\": \"b\", \"token_ids\": [4]}\n",
             "{\"id\": \"a\", \"token_ids\": [1, 2]}\n{\"id\": \"c\", \"token_ids\": [3, 4]}\n",
             "{\"id\": \"a\", \"token_ids\": [1, 2]}\n",
         }) {
        EXPECT_NE(digest(base), digest(other));
    }
    EXPECT_NE(digest(base), digest(base, "harmful"));
}

}  // namespace
}  // namespace gatesweep
