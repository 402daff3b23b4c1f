// tokenizer.json: who wrote a special token decides what it is; what this version does not do is refused by name.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"
#include "gatesweep/input/tokenizer.h"
#include "input/expect_says.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

using nlohmann::json;
using Ids = std::vector<std::int32_t>;

json added(int id, std::string const& content, bool special = true) {
    return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
            {"rstrip", false}, {"normalized", false}, {"special", special}};
}

// Letters a to z have the ids 0 to 25, "ab" 26, "abc" 27, the space 28; added are <s> 29, <e> 30 and the plain <t> 31.
json small() {
    json vocabulary = json::object();
    for (int i = 0; i < 26; ++i)
        vocabulary[std::string(1, static_cast<char>('a' + i))] = i;
    vocabulary["ab"] = 26;
    vocabulary["abc"] = 27;
    vocabulary["\xC4\xA0"] = 28;  // the space in its disguise
    return {
        {"version", "1.0"},
        {"truncation", nullptr},
        {"padding", nullptr},
        {"added_tokens", {added(29, "<s>"), added(30, "<e>"), added(31, "<t>", false)}},
        {"normalizer", nullptr},
        {"pre_tokenizer",
         {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}}},
        {"post_processor", nullptr},
        {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
        {"model",
         {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"vocab", vocabulary},
          {"merges", {"a b", {"ab", "c"}}}}}};
}

class TokenizerJson : public testing::Test {
protected:
    Tokenizer load(json const& file, SpecialInText mode = SpecialInText::text) {
        folder_.write("tokenizer.json", file.dump());
        return Tokenizer::load(folder_.path(), Tokenization::huggingface, mode);
    }
    std::string refusal(std::string const& bytes) {
        folder_.write("tokenizer.json", bytes);
        std::string const message = gatesweep::refusal(ExitCode::bad_data, [&] { Tokenizer::load(folder_.path()); });
        EXPECT_SAYS(message, "tokenizer.json");
        return message;
    }
    // The small one with one thing changed.
    std::string refusal(std::string const& pointer, json const& value) {
        json file = small();
        file[json::json_pointer(pointer)] = value;
        return refusal(file.dump());
    }
    TemporaryFolder folder_;
};

TEST_F(TokenizerJson, knows_its_vocabulary) {
    folder_.write("tokenizer_config.json",
                  R"({"bos_token": {"content": "<s>"}, "eos_token": "<e>", "pad_token": null})");
    Tokenizer const tokenizer = load(small());
    EXPECT_EQ(tokenizer.tokenization(), Tokenization::huggingface);
    EXPECT_EQ(tokenizer.vocab_size(), 32);
    EXPECT_EQ(tokenizer.bos_id(), 29);
    EXPECT_EQ(tokenizer.eos_id(), 30);
    ASSERT_EQ(tokenizer.named_tokens().size(), 2u);
    EXPECT_EQ(tokenizer.named_tokens()[1].second, "<e>");
    ASSERT_EQ(tokenizer.control_pieces().size(), 2u);
    EXPECT_EQ(tokenizer.piece(27), "abc");
    EXPECT_EQ(tokenizer.piece(28), " ");
    EXPECT_EQ(tokenizer.piece(30), "<e>");
    EXPECT_EQ(tokenizer.piece(32), "\xEF\xBF\xBD");
    EXPECT_TRUE(tokenizer.knows(0) && tokenizer.knows(31));
    EXPECT_FALSE(tokenizer.knows(-1) || tokenizer.knows(32));
}

TEST_F(TokenizerJson, a_checkpoint_may_have_no_bos) {
    Tokenizer const tokenizer = load(small());
    EXPECT_EQ(tokenizer.bos_id(), Tokenizer::no_token);
    EXPECT_EQ(tokenizer.encode_plain("ab"), (Ids{26}));
}

TEST_F(TokenizerJson, a_special_token_is_one_by_its_author) {
    Tokenizer const tokenizer = load(small());
    EXPECT_EQ(tokenizer.encode("<s>abc<t>"), (Ids{18, 27, 31}));  // no signs in this vocabulary: they vanish
    EXPECT_EQ(tokenizer.encode("<s>abc<e>", "tttuuuttt"), (Ids{29, 27, 30}));
    EXPECT_EQ(tokenizer.encode("<s>abc<e>", "tttuuuutt"), (Ids{29, 27, 4}));  // written by both: text
    EXPECT_EQ(load(small(), SpecialInText::parse).encode("<s>abc<e>", "uuuuuuuuu"), (Ids{29, 27, 30}));
    EXPECT_TRUE(tokenizer.holds_special("a<e>"));
    EXPECT_FALSE(tokenizer.holds_special("a<t>"));
}

// An author's end is no end of a word: the template's "a" and the user's "bc" are one.
TEST_F(TokenizerJson, authors_do_not_cut_words) {
    EXPECT_EQ(load(small()).encode("abc", "tuu"), (Ids{27}));
}

TEST_F(TokenizerJson, decoding_drops_special_tokens_and_marks_broken_bytes) {
    json file = small();
    for (int i = 0; i < 3; ++i)  // the bytes of a character of three bytes: E2 82 AC, in disguise
        file["model"]["vocab"]
            [std::vector<std::string>{"\xC3\xA2", "\xC4\xA4", "\xC2\xAC"}[static_cast<std::size_t>(i)]] = 32 + i;
    Tokenizer const tokenizer = load(file);
    EXPECT_EQ(tokenizer.decode(Ids{29, 27, 28, 0, 30}), "abc a");
    EXPECT_EQ(tokenizer.decode(Ids{32, 33, 34}), "\xE2\x82\xAC");
    EXPECT_EQ(tokenizer.decode(Ids{32, 33}), "\xEF\xBF\xBD");
    EXPECT_EQ(tokenizer.decode(Ids{34, 0}),
              "\xEF\xBF\xBD"
              "a");
    EXPECT_EQ(tokenizer.decode(Ids{0, 99, -1}), "a\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(tokenizer.encode("\xE2\x82\xAC"), (Ids{32, 33, 34}));
    EXPECT_TRUE(tokenizer.encode("\xFF").size() <= 3u);  // a text that is no UTF-8 does no harm
}

TEST_F(TokenizerJson, what_is_not_done_is_named) {
    EXPECT_SAYS(refusal("/model/type", "Unigram"), "type is \"Unigram\"");
    EXPECT_SAYS(refusal("/model/dropout", 0.1), "dropout is 0.1");
    EXPECT_SAYS(refusal("/model/end_of_word_suffix", "</w>"), "end_of_word_suffix is \"</w>\"");
    EXPECT_SAYS(refusal("/normalizer", json{{"type", "Lowercase"}}), "normalizer: type is \"Lowercase\"");
    EXPECT_SAYS(refusal("/pre_tokenizer/type", "Whitespace"), "type is \"Whitespace\"");
    EXPECT_SAYS(refusal("/post_processor", json{{"type", "Magic"}}), "type is \"Magic\"");
    EXPECT_SAYS(refusal("/decoder/type", "WordPiece"), "type is \"WordPiece\"");
    EXPECT_SAYS(refusal("/surprise", true), "surprise is true");
    EXPECT_SAYS(refusal("/model/surprise", 7), "surprise is 7");
}

TEST_F(TokenizerJson, what_contradicts_itself_is_named) {
    EXPECT_SAYS(refusal("/model/vocab/b", 0), "gives id 0 to a and to b");
    EXPECT_SAYS(refusal("/model/vocab/b", 40), "no token has id 1");
    EXPECT_SAYS(refusal("/model/vocab/b", -1), "the id of b is no number");
    EXPECT_SAYS(refusal("/model/merges", {"a b", "q ab"}), "merge 2 names qab");
    EXPECT_SAYS(refusal("/model/merges", {"ab"}), "two tokens each (see entry 1)");
    EXPECT_SAYS(refusal("/model/merges", json::array({json::array({"a", 1})})), "two tokens each (see entry 1)");
    EXPECT_SAYS(refusal("/model/unk_token", "?"), "unk_token is not a token of the vocabulary");
    EXPECT_SAYS(refusal("/added_tokens/0/content", "a"), "the added token a has id 29");
    EXPECT_SAYS(refusal("/added_tokens/0/content", ""), "is empty");
    EXPECT_SAYS(refusal("/added_tokens/0/id", 5), "id 5");
    EXPECT_SAYS(refusal("/added_tokens/0/id", 35), "no token has id 29");
}

TEST_F(TokenizerJson, patterns_outside_the_subset_are_named) {
    auto const pattern = [&](std::string const& regex) {
        json const split = {
            {"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}};
        return refusal("/pre_tokenizer", split);
    };
    EXPECT_SAYS(pattern("(?<=a)b"), "a group of the kind (?<=");
    EXPECT_SAYS(pattern("a+?"), "a reluctant repetition");
    EXPECT_SAYS(pattern("[a[b]]"), "a class inside a class");
    EXPECT_SAYS(pattern("[a&&b]"), "a class inside a class");
    EXPECT_SAYS(pattern("\\w+"), "has \\w");
    EXPECT_SAYS(pattern("\\p{Han}"), "a property that is no general category");
    EXPECT_SAYS(pattern("(a*)*"), "a repetition of what may match nothing");
    EXPECT_SAYS(pattern("(a"), "without its \")\"");
    EXPECT_SAYS(pattern("a)"), "without its \"(\"");
    EXPECT_SAYS(pattern("[a"), "without its \"]\"");
    EXPECT_SAYS(pattern("^a"), "has \"^\"");
    EXPECT_SAYS(pattern("((a{900}){900}){900}"), "too much to repeat");
    EXPECT_SAYS(pattern("a{2}+"), "a repetition of a repetition");
    EXPECT_SAYS(pattern("\\"), "a backslash at its end");
}

TEST_F(TokenizerJson, a_runaway_pattern_ends_in_an_error) {
    json file = small();
    file["pre_tokenizer"] = {
        {"type", "Split"}, {"pattern", {{"Regex", "((a+)+)+x"}}}, {"behavior", "Isolated"}, {"invert", false}};
    Tokenizer const tokenizer = load(file);
    EXPECT_THROW(tokenizer.encode(std::string(60, 'a')), Error);
}

TEST_F(TokenizerJson, files_that_are_no_tokenizer_are_refused) {
    EXPECT_SAYS(refusal(""), "not valid JSON");
    EXPECT_SAYS(refusal("version https://git-lfs.github.com/spec/v1\n"), "not valid JSON");
    EXPECT_SAYS(refusal("[]"), "not a JSON object");
    EXPECT_SAYS(refusal("{}"), "there is no field model");
    EXPECT_SAYS(refusal(R"({"model": {"vocab": {"a": 0, "a": 1}}})"), "given twice");
}

TEST_F(TokenizerJson, mistral_mode_asks_for_the_model_file) {
    folder_.write("tokenizer.json", small().dump());
    auto const load_it = [&] { Tokenizer::load(folder_.path(), Tokenization::mistral); };
    EXPECT_SAYS(gatesweep::refusal(ExitCode::input_missing, load_it), "only tokenizer.json");
}

// Whatever the bytes: a tokenizer that works, or an Error.
TEST_F(TokenizerJson, damaged_files_never_do_worse_than_an_error) {
    std::string const whole = small().dump();
    std::uint64_t state = 3;
    auto const random = [&] { return (state = state * 6364136223846793005u + 1442695040888963407u) >> 33; };
    int refused = 0;
    for (int i = 0; i < 600; ++i) {
        std::string bytes = whole;
        for (int change = 0; change < 1 + i % 2; ++change)
            bytes[random() % bytes.size()] = static_cast<char>(i % 3 ? '0' + random() % 60 : random());
        folder_.write("tokenizer.json", bytes);
        try {
            Tokenizer const tokenizer = Tokenizer::load(folder_.path());
            tokenizer.decode(tokenizer.encode("The river <s> abc, 123 \xF0\x9F\x98\x80"));
        } catch (Error const&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 120);
}

}  // namespace
}  // namespace gatesweep
