#include "gatesweep/label/label_validation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gatesweep/label/refusal_phrases.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

class LabelledFileTest : public ::testing::Test {
protected:
    LabelledFile read(std::string_view text, std::string_view name = "human.csv") {
        return read_labelled_file(folder_.write(name, text));
    }
    TemporaryFolder folder_;
};

TEST_F(LabelledFileTest, reads_the_layout_of_xstest) {
    auto const file = read(
        "id,type,prompt,completion,annotation_1,annotation_2,agreement,final_label,strmatch_label\r\n"
        "v2-1,homonyms,\"How, "
        "then?\",\"Like\nthis\",1_full_compliance,2_full_refusal,False,3_partial_refusal,1_full_compliance\r\n"
        "v2-2,homonyms,How?,No.,2_full_refusal,2_full_refusal,True,,1_full_compliance\r\n");
    ASSERT_EQ(file.rows.size(), 1u);
    EXPECT_EQ(file.num_skipped, 1);
    EXPECT_EQ(file.rows[0].prompt, "How, then?");
    EXPECT_EQ(file.rows[0].completion, "Like\nthis");
    EXPECT_EQ(file.rows[0].label.label, Label::partial_refusal);
    EXPECT_EQ(file.rows[0].row, 1);
}

TEST_F(LabelledFileTest, without_a_final_label_agreeing_annotators_count) {
    auto const file = read(
        "prompt,completion,annotation_1,annotation_2\np,a,1_full_compliance,2_full_refusal\np,b,2_full_refusal,2_full_"
        "refusal\n"
        "p,c,2_full_refusal,\n");
    ASSERT_EQ(file.rows.size(), 1u);
    EXPECT_EQ(file.rows[0].completion, "b");
    EXPECT_EQ(file.rows[0].row, 2);
    EXPECT_EQ(file.num_skipped, 2);
}

TEST_F(LabelledFileTest, reads_responses_with_two_labels_and_json_lines) {
    auto const file = read(R"({"prompt": "p", "response": "no", "label": "refusal", "prompt_type": "x"})"
                           "\n"
                           R"({"prompt": "p", "response": "yes", "label": "compliance"})"
                           "\n"
                           R"({"prompt": "p", "response": null, "label": null})"
                           "\n",
                           "human.jsonl");
    ASSERT_EQ(file.rows.size(), 2u);
    EXPECT_TRUE(file.rows[0].label.is_binary);
    EXPECT_EQ(file.rows[1].label.label, Label::full_compliance);
    auto const mix = read("prompt,response,prompt_harm_label,response_refusal_label\np,no,harmful,refusal\n");
    EXPECT_EQ(mix.rows.at(0).label.label, Label::full_refusal);
    auto const ours = read("\xEF\xBB\xBFPrompt,Completion,Label\np,,incoherent\np,c,unscored\n");
    ASSERT_EQ(ours.rows.size(), 1u);
    EXPECT_EQ(ours.rows[0].completion, "");
}

TEST_F(LabelledFileTest, a_filled_sheet_of_ours_is_read_with_its_texts_restored) {
    LabelItem const item{"baseline", "g", 0, "+1 or 'two'?", "- No."};
    auto sheet = make_label_sheet(std::span(&item, 1), 0);
    sheet.to_do.rows[0][3] = "full_refusal";
    write_label_sheet(folder_.path(), sheet);
    auto const file = read_labelled_file(folder_ / "labels_to_do.csv");
    ASSERT_EQ(file.rows.size(), 1u);
    EXPECT_EQ(file.rows[0].prompt, item.prompt);
    EXPECT_EQ(file.rows[0].completion, item.completion);
    EXPECT_EQ(read("completion,label\n'tis so,2_full_refusal\n").rows.at(0).completion, "'tis so");
}

TEST_F(LabelledFileTest, refuses_what_it_cannot_use) {
    EXPECT_ERROR(read("prompt,response,label\np,c,refusal\np,c,harmful\n"), ExitCode::bad_data, "human.csv row 2",
                 "\"harmful\"");
    EXPECT_ERROR(read("prompt,text,label\np,c,refusal\n"), ExitCode::bad_data, "no column completion or response",
                 "\"text\"");
    EXPECT_ERROR(read("prompt,completion,gpt4_label\np,c,2_full_refusal\n"), ExitCode::bad_data,
                 "no column final_label or label");
    EXPECT_ERROR(read("prompt,completion,label\np,c,\n"), ExitCode::bad_data, "no row has a label");
    EXPECT_ERROR(read("{\"completion\": null, \"label\": \"refusal\"}\n", "human.jsonl"), ExitCode::bad_data,
                 "human.jsonl row 1", "completion is missing");
    auto const absent = TemporaryFolder() / "absent" / "human.csv";
    EXPECT_ERROR(read_labelled_file(absent), ExitCode::input_missing, absent.string());
}

LabelledFile file_of(std::initializer_list<std::pair<Label, int>> counts) {
    LabelledFile file{"human.csv", "", {}, 0};
    for (auto const& [label, count] : counts) {
        for (int i = 0; i < count; ++i)
            file.rows.push_back({"p", std::to_string(i), {label}, static_cast<std::int64_t>(file.rows.size()) + 1});
    }
    return file;
}

TEST(ValidateLabeller, counts_refusals_full_or_partial_against_the_rest) {
    auto const file = file_of({{Label::full_refusal, 40},
                               {Label::partial_refusal, 10},
                               {Label::full_compliance, 45},
                               {Label::incoherent, 5}});
    // Calls a third of everything a partial refusal, and gives no label to the first of each kind.
    auto const quality = validate_labeller("m", "v", file, [](std::string_view, std::string_view completion) {
        int const i = std::stoi(std::string(completion));
        return i == 0 ? Label::unscored : i % 3 == 1 ? Label::partial_refusal : Label::full_compliance;
    });
    EXPECT_EQ(quality.num, 96);
    EXPECT_EQ(quality.num_unscored, 4);
    EXPECT_EQ(quality.counts.true_positive, 13 + 3);  // 1, 4, ... 37 of the full, 1, 4, 7 of the partial ones
    EXPECT_EQ(quality.counts.false_negative, 26 + 6);
    EXPECT_EQ(quality.counts.false_positive, 15 + 2);
    EXPECT_EQ(quality.counts.true_negative, 29 + 2);
    EXPECT_NEAR(quality.agreement.precision.estimate, 16.0 / 33, 1e-12);
    EXPECT_NEAR(quality.agreement.recall.estimate, 16.0 / 48, 1e-12);
    EXPECT_NEAR(quality.agreement.recall.interval.low, wilson_interval(16, 48).low, 1e-12);
    // 47 of 96 agree; by chance 33 * 48 + 63 * 48 of 96 * 96 would.
    EXPECT_NEAR(quality.agreement.kappa.estimate, (47.0 / 96 - 0.5) / 0.5, 1e-12);
    EXPECT_NEAR(quality.exact_agreement, (3 + 29) / 96.0, 1e-12);
}

TEST(ValidateLabeller, where_people_told_two_apart_there_is_no_exact_agreement) {
    LabelledFile file{"human.csv",
                      "",
                      {{"p", "no", {Label::full_refusal, true}, 1}, {"p", "yes", {Label::full_compliance, true}, 2}},
                      0};
    auto const quality = validate_labeller("m", "v", file, [](std::string_view, std::string_view completion) {
        return completion == "no" ? Label::partial_refusal : Label::full_compliance;
    });
    EXPECT_EQ(quality.counts.true_positive, 1);
    EXPECT_EQ(quality.counts.true_negative, 1);
    EXPECT_EQ(quality.agreement.kappa.estimate, 1.0);
    EXPECT_TRUE(std::isnan(quality.exact_agreement));
}

TEST(ValidateLabeller, the_table_has_a_row_for_each) {
    auto const phrases = PhraseLabeller::built_in();
    LabelledFile const file{"human.csv",
                            "",
                            {{"p", "I'm sorry, but I can't help with that.", {Label::full_refusal}, 1},
                             {"p", "Sure, here is a list.", {Label::full_compliance}, 2},
                             {"p", "Perhaps another time, dear friend of mine.", {Label::full_refusal}, 3}},
                            0};
    LabelQuality const quality =
        validate_labeller("phrases", phrases.version(), file,
                          [&](std::string_view, std::string_view text) { return phrases.label(text); });
    auto const table = label_quality_table(std::span(&quality, 1));
    EXPECT_EQ(
        to_csv(table).substr(0, to_csv(table).find('\n')),
        "method,version,source,num,true_positive,false_positive,false_negative,true_negative,precision,precision_low,"
        "precision_high,recall,recall_low,recall_high,kappa,kappa_low,kappa_high,exact_agreement,num_unscored");
    EXPECT_EQ(table.text(0, "method"), "phrases");
    EXPECT_EQ(table.integer(0, "true_positive"), 1);
    EXPECT_EQ(table.integer(0, "false_negative"), 1);
    EXPECT_EQ(table.number(0, "precision"), 1.0);
    EXPECT_EQ(table.number(0, "recall"), 0.5);
    EXPECT_NEAR(table.number(0, "exact_agreement"), 2.0 / 3, 1e-12);
}

}  // namespace
}  // namespace gatesweep
