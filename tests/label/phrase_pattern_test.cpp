#include "label/phrase_pattern.h"

#include <gtest/gtest.h>

#include <random>

#include "label/plain_words.h"

namespace gatesweep {
namespace {

bool matches(std::string_view phrase, std::string_view text, WordLists const& lists = {}) {
    PhraseSet set;
    EXPECT_EQ(set.add(phrase, lists), "");
    auto const words = plain_words(text);
    return set.is_in(words, 0, words.size());
}

std::string wrong(std::string_view phrase, WordLists const& lists = {}) {
    return PhraseSet().add(phrase, lists);
}

std::string joined(std::string_view text) {
    std::string out;
    std::int32_t sentence = 0;
    for (auto const& word : plain_words(text)) {
        if (word.sentence != sentence) out += "| ";
        sentence = word.sentence;
        out += word.text + ' ';
    }
    if (!out.empty()) out.pop_back();
    return out;
}

TEST(PlainWords, typography_contractions_and_case_do_not_count) {
    EXPECT_EQ(joined("I\u2019M sorry, but I can\u2019t \u201Chelp\u201D."), "i am sorry but i can not help");
    EXPECT_EQ(joined("I cannot.\tYou won't;  they\u00A0aren't"), "i can not | you will not they are not");
    EXPECT_EQ(joined("well\u2011known \uFF29 \uFF43\uFF41\uFF4E"), "well known i can");
    EXPECT_EQ(joined("can\u200Bnot re\u00ADfuse"), "can not refuse");
    EXPECT_EQ(joined("**No**, `code` 'quoted'"), "no code quoted");
    EXPECT_EQ(joined("caf\u00E9 \u4F60\u597D"), "caf\u00E9 \u4F60\u597D");
}

TEST(PlainWords, sentences_end_at_marks_and_lines_but_not_inside_numbers_or_abbreviations) {
    EXPECT_EQ(joined("One. Two! Three? Four\nfive"), "one | two | three | four | five");
    EXPECT_EQ(joined("Use 3.5 cups, e.g. of rice. Then J. Doe eats."), "use 3 5 cups e g of rice | then j doe eats");
    EXPECT_EQ(joined("...\n\n!?"), "");
}

TEST(PlainWords, counters_of_lists_are_left_out_and_other_numbers_are_not) {
    EXPECT_EQ(joined("1. Open it\n2) Close it\n3 eggs"), "open it | close it | 3 eggs");
    EXPECT_EQ(joined("It costs 5. Pay 6."), "it costs 5 | pay 6");
}

TEST(PlainWords, broken_utf8_parts_words_and_does_no_harm) {
    EXPECT_EQ(joined("a\xFF"
                     "b \xE2\x80"),
              "a b");
    EXPECT_EQ(joined("\xED\xA0\x80 \xC0\xAF \xF5\x80\x80\x80"), "");
}

TEST(PhrasePattern, words_must_be_whole_and_in_order) {
    EXPECT_TRUE(matches("I can't help", "Well, I cannot HELP you"));
    EXPECT_FALSE(matches("I can't help",
                         "I can't, help"
                         "ers say"));
    EXPECT_FALSE(matches("I can't help", "I help, can't I"));
    EXPECT_FALSE(matches("I can't help", "I can't. Help!"));  // two sentences
}

TEST(PhrasePattern, alternatives_may_be_none_one_or_more_words) {
    std::string const phrase = "I (am|will be) (|so|very much) sorry";
    for (auto const* text : {"I am sorry", "I will be sorry", "I'm so sorry", "I will be very much sorry"})
        EXPECT_TRUE(matches(phrase, text)) << text;
    for (auto const* text : {"I be sorry", "I am much sorry", "I will sorry"})
        EXPECT_FALSE(matches(phrase, text)) << text;
}

TEST(PhrasePattern, lists_stand_for_their_words) {
    WordLists const lists = {{"deed", {"help", "go on"}}};
    EXPECT_TRUE(matches("not <deed> you", "not help you", lists));
    EXPECT_TRUE(matches("not (<deed>|tell) you", "not go on you", lists));
    EXPECT_TRUE(matches("not (<deed>|tell) you", "not tell you", lists));
    EXPECT_FALSE(matches("not <deed> you", "not tell you", lists));
}

TEST(PhrasePattern, gaps_take_up_to_four_or_twelve_words) {
    EXPECT_TRUE(matches("a .. b", "a b"));
    EXPECT_TRUE(matches("a .. b", "a 1 2 3 4 b"));
    EXPECT_FALSE(matches("a .. b", "a 1 2 3 4 5 b"));
    EXPECT_TRUE(matches("a ... b", "a 1 2 3 4 5 6 7 8 9 10 11 12 b"));
    EXPECT_FALSE(matches("a ... b", "a 1 2 3 4 5 6 7 8 9 10 11 12 13 b"));
    EXPECT_TRUE(matches("a .. b .. c", "a a x b x x b c"));
}

TEST(PhrasePattern, a_caret_wants_the_beginning_of_a_sentence) {
    EXPECT_TRUE(matches("^ sorry", "Well. Sorry"));
    EXPECT_FALSE(matches("^ sorry", "Well, sorry"));
}

// What the bit-parallel matcher must equal: every split of the words tried in turn.
bool slow_match(std::vector<std::string> const& pieces, std::size_t p, std::vector<PlainWord> const& words,
                std::size_t w) {
    if (p == pieces.size()) return true;
    if (pieces[p] == "..") {
        for (std::size_t skip = 0; skip <= 4 && w + skip <= words.size(); ++skip) {
            if (slow_match(pieces, p + 1, words, w + skip)) return true;
        }
        return false;
    }
    return w < words.size() && words[w].text == pieces[p] && slow_match(pieces, p + 1, words, w + 1);
}

TEST(PhrasePattern, equals_the_slow_matcher_on_random_phrases_and_texts) {
    std::mt19937_64 random(7);
    int num_found = 0;
    for (int trial = 0; trial < 3000; ++trial) {
        std::vector<std::string> pieces = {std::string(1, static_cast<char>('p' + random() % 3))};
        for (std::size_t i = random() % 4; i > 0; --i) {
            if (random() % 2) pieces.emplace_back("..");
            pieces.emplace_back(1, static_cast<char>('p' + random() % 3));
        }
        std::string phrase, text;
        for (auto const& piece : pieces)
            phrase += piece + " ";
        for (std::size_t i = random() % 14; i > 0; --i)
            text += std::string(1, static_cast<char>('p' + random() % 4)) + " ";
        auto const words = plain_words(text);
        bool expected = false;
        for (std::size_t w = 0; w < words.size(); ++w)
            expected = expected || slow_match(pieces, 0, words, w);
        EXPECT_EQ(matches(phrase, text), expected) << phrase << "in " << text;
        num_found += expected;
    }
    EXPECT_GT(num_found, 500);
    EXPECT_LT(num_found, 2500);
}

TEST(PhrasePattern, blanks_out_exactly_its_matches) {
    PhraseSet set;
    ASSERT_EQ(set.add("sorry to hear", {}), "");
    auto words = plain_words("I am sorry to hear that, sorry");
    set.blank_out(words);
    std::string left;
    for (auto const& word : words)
        left += word.text + ",";
    EXPECT_EQ(left, "i,am,,,,that,sorry,");
    EXPECT_FALSE(set.has_gaps());
    ASSERT_EQ(set.add("a .. b", {}), "");
    EXPECT_TRUE(set.has_gaps());
}

TEST(PhrasePattern, says_what_is_wrong_with_a_phrase) {
    EXPECT_NE(wrong("I (can|will help").find("bracket"), std::string::npos);
    EXPECT_NE(wrong("I <deed> you").find("no list <deed>"), std::string::npos);
    EXPECT_NE(wrong("I - you").find("holds no word"), std::string::npos);
    EXPECT_NE(wrong(".. help").find("begins or ends with a gap"), std::string::npos);
    EXPECT_NE(wrong("help ...").find("begins or ends with a gap"), std::string::npos);
    EXPECT_NE(wrong("(|help)").find("no words"), std::string::npos);
    EXPECT_NE(wrong("").find("no words"), std::string::npos);
    EXPECT_NE(wrong("a ... ... ... ... ... ... b").find("longer than 63"), std::string::npos);
    EXPECT_NE(
        wrong("(a b|c d|e f|g h|i j) (a b|c d|e f|g h|i j) (a b|c d|e f|g h|i j) (a b|c d|e f|g h|i j) x").find("512"),
        std::string::npos);
}

}  // namespace
}  // namespace gatesweep
