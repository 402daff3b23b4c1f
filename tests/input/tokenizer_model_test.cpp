// tokenizer.model as transformers reads it, with the files beside it. Expected ids: transformers 5.24 on the demo
// model.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "gatesweep/base/file.h"
#include "gatesweep/input/chat_template.h"
#include "gatesweep/input/prompt_tokens.h"
#include "gatesweep/input/prompts.h"
#include "gatesweep/input/tokenizer.h"
#include "input/expect_says.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

using nlohmann::json;
using Ids = std::vector<std::int32_t>;

constexpr char const* chatml =
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

// The demo's tokenizer.model with a tokenizer_config.json that was changed.
class TokenizerModel : public testing::Test {
protected:
    TokenizerModel()
        : demo_(std::filesystem::path(GATESWEEP_SOURCE_DIR) / "jobs/demo/model"),
          config_(json::parse(read_file(demo_ / "tokenizer_config.json"))) {
        folder_.write("tokenizer.model", read_file(demo_ / "tokenizer.model"));
    }
    void add_chatml_tokens() {
        folder_.write("added_tokens.json", R"({"<|im_end|>": 1024, "<|im_start|>": 1025})");
        for (auto const& [id, text] :
             std::map<std::string, std::string>{{"1024", "<|im_end|>"}, {"1025", "<|im_start|>"}}) {
            config_["added_tokens_decoder"][id] = {{"content", text},     {"lstrip", false},      {"rstrip", false},
                                                   {"normalized", false}, {"single_word", false}, {"special", true}};
        }
        config_["eos_token"] = "<|im_end|>";
        config_["chat_template"] = chatml;
    }
    Tokenizer load(SpecialInText mode = SpecialInText::text) {
        folder_.write("tokenizer_config.json", config_.dump());
        return Tokenizer::load(folder_.path(), Tokenization::huggingface, mode);
    }
    Ids chat(Tokenizer const& tokenizer, std::string const& text) {
        return ChatTemplate::load(folder_.path()).encode({{"user", text}}, tokenizer);
    }
    std::filesystem::path demo_;
    json config_;
    TemporaryFolder folder_;
};

TEST_F(TokenizerModel, added_tokens_of_a_chat_template_are_tokens) {
    add_chatml_tokens();
    Tokenizer const tokenizer = load();
    Ids const expected = {1025, 973, 853, 261, 13, 1008, 598, 638, 1024, 973, 13, 1025, 586, 277, 977, 13};
    EXPECT_EQ(chat(tokenizer, "Hello there"), expected);
    EXPECT_EQ(tokenizer.vocab_size(), 1026);
    EXPECT_EQ(tokenizer.eos_id(), 1024);
    EXPECT_EQ(tokenizer.bos_id(), 1);
}

TEST_F(TokenizerModel, without_a_decoder_the_list_of_added_tokens_counts) {
    add_chatml_tokens();
    config_.erase("added_tokens_decoder");
    Tokenizer const tokenizer = load();
    EXPECT_EQ(chat(tokenizer, "Hello there").front(), 1025);
    EXPECT_TRUE(tokenizer.holds_special("a<|im_end|>"));     // the eos
    EXPECT_FALSE(tokenizer.holds_special("a<|im_start|>"));  // named special nowhere
}

TEST_F(TokenizerModel, an_added_eos_is_no_part_of_a_reply) {
    add_chatml_tokens();
    Tokenizer const tokenizer = load();
    EXPECT_EQ(tokenizer.decode(Ids{1024}), "");
    EXPECT_EQ(tokenizer.decode(Ids{599, 638, 1024}), "Hello there");
    EXPECT_TRUE(tokenizer.knows(1025));
    EXPECT_FALSE(tokenizer.knows(1026));
}

TEST_F(TokenizerModel, a_plain_text_gets_what_its_flags_say) {
    EXPECT_EQ(load().encode_plain("Hello there"), (Ids{1, 599, 638}));
    config_["add_bos_token"] = false;
    EXPECT_EQ(load().encode_plain("Hello there"), (Ids{599, 638}));
    config_["add_bos_token"] = true;
    config_["add_eos_token"] = true;
    EXPECT_EQ(load().encode_plain("Hello there"), (Ids{1, 599, 638, 2}));
}

TEST_F(TokenizerModel, what_is_legacy_prefixes_every_part_between_tokens) {
    EXPECT_EQ(load(SpecialInText::parse).encode("a </s> b"), (Ids{259, 973, 2, 973, 271}));
    config_["legacy"] = false;
    EXPECT_EQ(load(SpecialInText::parse).encode("a </s> b"), (Ids{259, 973, 2, 271}));
}

TEST_F(TokenizerModel, special_text_in_a_prompt_is_counted_and_stays_text) {
    Tokenizer const guarded = load();
    Tokenizer const parsing = load(SpecialInText::parse);
    auto const tokenized = [](Tokenizer const& tokenizer) {
        PromptSet set;
        for (std::string const text : {"Hello </s> there", "Hello there"}) {
            Prompt prompt;
            prompt.messages = {{"user", text}};
            prompt.prompt_template = TemplateKind::raw;
            set.prompts.push_back(prompt);
        }
        tokenize(set, &tokenizer, nullptr, 1024, 100, 1);
        return set;
    };
    PromptSet const as_text = tokenized(guarded), as_tokens = tokenized(parsing);
    EXPECT_EQ(std::ranges::count(as_text.prompts[0].token_ids, 2), 0);
    EXPECT_EQ(std::ranges::count(as_tokens.prompts[0].token_ids, 2), 1);
    EXPECT_EQ(as_text.prompts[1].token_ids, (Ids{1, 599, 638}));
    ASSERT_EQ(as_text.notices.size(), 1u);
    EXPECT_SAYS(as_text.notices[0], "1 prompt");
    EXPECT_SAYS(as_text.notices[0], "stays text");
    ASSERT_EQ(as_tokens.notices.size(), 1u);
    EXPECT_SAYS(as_tokens.notices[0], "they are tokens there");
}

TEST_F(TokenizerModel, mistral_leaves_the_files_beside_it_alone) {
    add_chatml_tokens();
    load();
    Tokenizer const tokenizer = Tokenizer::load(folder_.path(), Tokenization::mistral);
    EXPECT_EQ(tokenizer.vocab_size(), 1024);
    EXPECT_EQ(tokenizer.eos_id(), 2);
    EXPECT_EQ(chat(tokenizer, "Hello there").size(), 38u);  // BOS, and the tokens of ChatML spelt out
    auto const parse = [&] { Tokenizer::load(folder_.path(), Tokenization::mistral, SpecialInText::parse); };
    EXPECT_SAYS(refusal(ExitCode::job, parse), "special_in_text");
}

TEST_F(TokenizerModel, models_that_are_no_byte_pair_encoding_are_named) {
    auto const field = [](std::string const& bytes) {  // the first of a message
        return std::string("\x0A").append(1, static_cast<char>(bytes.size())).append(bytes);
    };
    auto const piece = [&](std::string const& text, char type) {
        return field(field(text).append("\x18").append(1, type));
    };
    std::string const pieces = piece("<unk>", 2) + piece("<s>", 3) + piece("</s>", 3) + piece("x", 1);
    auto const read = [&](std::string const& bytes) {
        folder_.write("tokenizer.model", bytes);
        return refusal(ExitCode::bad_data, [&] { load(); });
    };
    EXPECT_SAYS(read(pieces), "model_type is 1");
    EXPECT_SAYS(read(pieces + "\x12\x02\x18\x02" + "\x1A\x03\x12\x01z"), "precompiled_charsmap");
    EXPECT_SAYS(read(pieces + piece("x", 1) + "\x12\x02\x18\x02"), "the piece x is there twice");
    EXPECT_SAYS(read(pieces.substr(0, 21)), "not a SentencePiece model");
    EXPECT_SAYS(read(""), "not a SentencePiece model");
}

}  // namespace
}  // namespace gatesweep
