#include "gatesweep/label/judge_template.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

constexpr std::string_view head = "name = \"n\"\nversion = \"1\"\nchat = true\n";
constexpr std::string_view text = "text = \"p={prompt} c={completion}.\"\n";
constexpr std::string_view answers =
    "answers = [{ text = \"yes\", label = \"full_refusal\" }, { text = \"no\", label = \"full_compliance\" }]\n";

JudgeTemplate parse(std::string_view a, std::string_view b, std::string_view c) {
    return parse_judge_template(fmt::format("{}{}{}", a, b, c), "judge.toml");
}

TEST(JudgeTemplate, reads_its_fields) {
    TemporaryFolder const folder;
    auto const judge = load_judge_template(folder.write("judge.toml", fmt::format("{}{}{}", head, text, answers)));
    EXPECT_EQ(judge.name, "n");
    EXPECT_EQ(judge.version, "1");
    EXPECT_EQ(judge.input, JudgeInput::chat);
    ASSERT_EQ(judge.answers.size(), 2u);
    EXPECT_EQ(judge.answers[1].text, "no");
    EXPECT_EQ(judge.answers[1].label, Label::full_compliance);
    EXPECT_EQ(judge.sha256.size(), 64u);
    EXPECT_EQ(parse("name = \"n\"\nversion = \"1\"\nchat = false\n", text, answers).input, JudgeInput::raw);
}

TEST(JudgeTemplate, what_is_filled_in_is_never_filled_in_again) {
    auto const judge = parse(head, text, answers);
    EXPECT_EQ(judge.fill("a", "b"), "p=a c=b.");
    EXPECT_EQ(judge.fill("{completion}", "{prompt}{{"), "p={completion} c={prompt}{{.");
    EXPECT_EQ(judge.fill("", ""), "p= c=.");
    EXPECT_EQ(judge.fill("{", "}"), "p={ c=}.");
}

TEST(JudgeTemplate, doubled_braces_are_braces_and_slots_may_repeat) {
    auto const judge = parse(head, "text = \"{{x}} {completion}{completion} {{prompt}} {{{prompt}}}\"\n", answers);
    EXPECT_EQ(judge.fill("P", "C"), "{x} CC {prompt} {P}");
}

TEST(JudgeTemplate, refuses_a_wrong_file_with_its_line) {
    EXPECT_ERROR(parse(head, "text = \"{promt} {completion}\"\n", answers), ExitCode::job, "judge.toml:4", "{promt}",
                 "no slot");
    EXPECT_ERROR(parse(head, "text = \"{completion} {\"\n", answers), ExitCode::job, "no slot");
    EXPECT_ERROR(parse(head, "text = \"{completion} }\"\n", answers), ExitCode::job, "no slot");
    EXPECT_ERROR(parse(head, "text = \"{completion {prompt}\"\n", answers), ExitCode::job, "no slot");
    EXPECT_ERROR(parse(head, "text = \"{prompt}\"\n", answers), ExitCode::job, "judge.toml:4", "no {completion}");
    EXPECT_ERROR(parse(head, "", answers), ExitCode::job, "text is missing");
    EXPECT_ERROR(parse("version = \"1\"\nchat = true\n", text, answers), ExitCode::job, "name is missing");
    EXPECT_ERROR(parse("name = \"n\"\nchat = true\n", text, answers), ExitCode::job, "version is missing");
    EXPECT_ERROR(parse("name = \"n\"\nversion = \"1\"\n", text, answers), ExitCode::job, "chat is missing");
    EXPECT_ERROR(parse("name = \"n\"\nversion = \"1\"\nchat = 1\n", text, answers), ExitCode::job, "judge.toml:3",
                 "true or false");
    EXPECT_ERROR(parse("nam = \"n\"\n", text, answers), ExitCode::job, "did you mean \"name\"?");
    EXPECT_ERROR(parse("name = \"\xFF\"\n", text, answers), ExitCode::job, "not UTF-8");
    auto const absent = TemporaryFolder() / "absent" / "judge.toml";
    EXPECT_ERROR(load_judge_template(absent), ExitCode::input_missing, absent.string());
}

TEST(JudgeTemplate, refuses_answers_that_decide_nothing) {
    auto const with = [](std::string_view list) { parse(head, text, fmt::format("answers = [{}]\n", list)); };
    std::string const yes = "{ text = \"yes\", label = \"full_refusal\" }";
    EXPECT_ERROR(with(""), ExitCode::job, "at least two labels");
    EXPECT_ERROR(parse(head, text, ""), ExitCode::job, "at least two labels");
    EXPECT_ERROR(with(yes), ExitCode::job, "at least two labels");
    EXPECT_ERROR(with(yes + ", { text = \"yep\", label = \"full_refusal\" }"), ExitCode::job, "at least two labels");
    EXPECT_ERROR(with(yes + ", { text = \"yes\", label = \"full_compliance\" }"), ExitCode::job, "begins like");
    EXPECT_ERROR(with(yes + ", { text = \"yes sir\", label = \"full_compliance\" }"), ExitCode::job, "begins like");
    EXPECT_ERROR(with(yes + ", { text = \"\", label = \"full_compliance\" }"), ExitCode::job, "text is missing");
    EXPECT_ERROR(with(yes + ", { text = \"no\", label = \"fine\" }"), ExitCode::job, "\"fine\"", "full_compliance");
    EXPECT_ERROR(with(yes + ", { text = \"no\", label = \"unscored\" }"), ExitCode::job, "\"unscored\"");
    EXPECT_ERROR(with(yes + ", { text = \"no\" }"), ExitCode::job, "label is missing");
}

TEST(JudgeTemplate, those_that_ship_are_sound) {
    for (auto const* name : {"refusal-question", "refusal-letters", "wildguard-layout"}) {
        auto const judge = load_judge_template(std::filesystem::path(GATESWEEP_SOURCE_DIR "/jobs/judges") /
                                               (std::string(name) + ".toml"));
        EXPECT_EQ(judge.name, name);
        auto const filled = judge.fill("REQUEST", "REPLY");
        EXPECT_LT(filled.find("REQUEST"), filled.find("REPLY"));
        EXPECT_NE(filled.find("REPLY"), filled.npos);
        EXPECT_NE(filled.back(), '\n');  // the answer begins right there
    }
}

}  // namespace
}  // namespace gatesweep
