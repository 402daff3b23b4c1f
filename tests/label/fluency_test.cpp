#include "gatesweep/label/fluency.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace gatesweep {
namespace {

std::string times(int count, std::string_view text) {
    std::string out;
    for (int i = 0; i < count; ++i)
        out += text;
    return out;
}

std::string numbered(int count, std::string_view word) {
    std::string out;
    for (int i = 0; i < count; ++i)
        out += fmt::format("{}{} ", word, i);
    return out;
}

TEST(Fluency, empty_is_white_space_of_any_kind) {
    for (auto const* text : {"", " \t\r\n", "\u00A0\u2003\u3000", "\u200B\uFEFF", "\x01"})
        EXPECT_TRUE(is_empty(text)) << text;
    for (auto const* text : {".", " a ", "\xFF", "\u4F60"})
        EXPECT_FALSE(is_empty(text)) << text;
}

TEST(Fluency, finds_words_and_sentences_in_circles) {
    EXPECT_TRUE(is_repetitive(times(16, "the ")));
    EXPECT_TRUE(is_repetitive("Sure, here is a note on tea. " + times(5, "It is a broad topic. ")));
    EXPECT_TRUE(is_repetitive(times(4, "go home now. ") + "go home now go home"));
    EXPECT_TRUE(is_repetitive("1. Open the box now\n2. Open the box now\n3. Open the box now\n4. Open the box now\n"));
    EXPECT_TRUE(is_repetitive(times(4, "No, it \u2019s NOT so. no it 's not so! ")));
    EXPECT_TRUE(is_repetitive(times(3, numbered(64, "w"))));
}

TEST(Fluency, finds_runs_without_spaces) {
    EXPECT_TRUE(is_repetitive(std::string(32, '!')));
    EXPECT_TRUE(is_repetitive(times(32, "\xFF")));
    EXPECT_TRUE(is_repetitive(times(16, "\u4F60\u597D")));
    EXPECT_TRUE(is_repetitive("Well: " + std::string(200, 'a')));
    EXPECT_TRUE(is_repetitive(times(40, "\n- ")));
}

TEST(Fluency, no_false_alarm_on_short_answers_lists_refrains_and_tables) {
    for (std::string const& text :
         {std::string("No."), std::string("No, no, no, no!"), std::string("Ha ha ha ha ha ha ha ha"),
          std::string("Yes. Yes. Yes. Yes. Yes."), std::string(""),
          std::string("Row, row, row your boat, gently down the stream. Merrily, merrily, merrily, merrily, life is "
                      "but a dream."),
          std::string("1. Milk\n2. Eggs\n3. Bread\n4. Butter\n5. Jam\n6. Tea\n7. Rice\n8. Salt\n9. Oil\n10. Flour\n"),
          std::string("You can try apples. You can try pears. You can try plums. You can try figs. You can try dates."),
          std::string("7 times 1 is 7\n7 times 2 is 14\n7 times 3 is 21\n7 times 4 is 28\n7 times 5 is 35\n"),
          std::string("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20"),
          std::string("Shopping list\n-------------------------\nMilk and eggs, bread and a pound of butter")}) {
        EXPECT_FALSE(is_repetitive(text)) << text;
    }
}

TEST(Fluency, thresholds_are_where_the_header_says) {
    EXPECT_FALSE(is_repetitive(times(15, "the ")));
    EXPECT_TRUE(is_repetitive(times(16, "the ")));
    EXPECT_FALSE(is_repetitive(times(5, "go home now ")));
    EXPECT_TRUE(is_repetitive(times(5, "go home now ") + "go"));
    std::string const block = "one two three four five six seven eight nine ten ";
    EXPECT_FALSE(is_repetitive(times(2, block)));
    EXPECT_TRUE(is_repetitive(times(3, block)));
    std::string const varied = numbered(30, "v");
    EXPECT_TRUE(is_repetitive(varied + times(3, block)));             // 30 of 60 words
    EXPECT_FALSE(is_repetitive(varied + "more " + times(3, block)));  // 30 of 61
    EXPECT_FALSE(is_repetitive(std::string(31, 'a')));
    EXPECT_TRUE(is_repetitive(std::string(32, 'a')));
    EXPECT_FALSE(is_repetitive("abcdefghijklm" + std::string(36, '#')));  // 36 of 49 characters
    EXPECT_TRUE(is_repetitive("abcdefghijkl" + std::string(36, '#')));    // 36 of 48
    EXPECT_FALSE(is_repetitive(times(3, numbered(65, "w"))));
}

}  // namespace
}  // namespace gatesweep
