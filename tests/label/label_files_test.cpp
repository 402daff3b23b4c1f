#include "gatesweep/label/label_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "gatesweep/base/file.h"
#include "gatesweep/input/text_table.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

std::vector<LabelItem> some_items() {
    std::vector<LabelItem> out;
    for (auto const* trial : {"baseline", "0123456789ab", "ffff456789ab"}) {
        for (std::int64_t p = 0; p < 20; ++p) {
            // Every other prompt gets the same completion from all trials.
            std::string const reply = p % 2 ? "same" : fmt::format("from {}", trial);
            out.push_back({trial, p < 10 ? "harmful" : "benign", p, fmt::format("prompt {}", p), reply});
        }
    }
    return out;
}

TEST(LabelSheet, shows_each_completion_once_and_its_key_names_every_trial) {
    auto const items = some_items();
    auto const sheet = make_label_sheet(items, 1);
    EXPECT_EQ(sheet.to_do.header, (std::vector<std::string>{"item", "prompt", "completion", "label"}));
    EXPECT_EQ(sheet.key.header, (std::vector<std::string>{"item", "trial_id", "group", "prompt_index"}));
    EXPECT_EQ(sheet.to_do.rows.size(), 10u + 30u);
    EXPECT_EQ(sheet.key.rows.size(), items.size());
    std::set<std::pair<std::string, std::int64_t>> named;
    for (std::size_t r = 0; r < sheet.key.rows.size(); ++r) {
        auto const shown = static_cast<std::size_t>(sheet.key.integer(r, "item")) - 1;
        auto const trial = sheet.key.text(r, "trial_id");
        auto const prompt = sheet.key.integer(r, "prompt_index");
        named.insert({trial, prompt});
        EXPECT_EQ(sheet.to_do.text(shown, "prompt"), fmt::format("prompt {}", prompt));
        EXPECT_EQ(sheet.to_do.text(shown, "completion"), prompt % 2 ? "same" : "from " + trial);
        EXPECT_EQ(sheet.to_do.text(shown, "label"), "");
    }
    EXPECT_EQ(named.size(), items.size());
}

TEST(LabelSheet, the_order_follows_from_the_seed_and_hides_the_trials) {
    auto const items = some_items();
    auto const a = to_csv(make_label_sheet(items, 1).to_do);
    EXPECT_EQ(a, to_csv(make_label_sheet(items, 1).to_do));
    EXPECT_NE(a, to_csv(make_label_sheet(items, 2).to_do));
    // Pinned, so that another library or machine that shuffles differently shows.
    auto const sheet = make_label_sheet(std::span(items).first(6), 42);
    std::string order;
    for (auto const& row : sheet.to_do.rows)
        order += row[1].back();
    EXPECT_EQ(order, "315240");
}

TEST(LabelSheet, every_order_of_three_is_drawn_about_as_often) {
    auto const items = some_items();
    std::map<std::string, int> seen;
    for (std::uint64_t seed = 0; seed < 6000; ++seed) {
        std::string order;
        for (auto const& row : make_label_sheet(std::span(items).first(3), seed).to_do.rows)
            order += row[1].back();
        ++seen[order];
    }
    ASSERT_EQ(seen.size(), 6u);
    for (auto const& [order, count] : seen)
        EXPECT_NEAR(count, 1000, 150) << order;  // 5 standard deviations
}

TEST(LabelCells, no_spreadsheet_runs_a_protected_cell_and_its_text_survives) {
    for (std::string const text : {"=1+1", "+49 123", "-1", "@x", " =1", "\n=1", "\t1", "\r1", "\u00A0=1", "\uFF1D1",
                                   "\uFF20x", "'quoted'", "''", "'=1"}) {
        auto const cell = protect_cell(text);
        EXPECT_EQ(cell, "'" + text);
        EXPECT_EQ(restore_cell(cell), text);
    }
    for (std::string const text : {"", " ", "plain", "a=b", "1-2", "\u201Cquoted\u201D", "two\nlines", "a,\"b\""}) {
        EXPECT_EQ(protect_cell(text), text);
        EXPECT_EQ(restore_cell(text), text);
    }
    EXPECT_EQ(protect_cell(std::string_view("a\0b\xFF", 4)),
              "a\uFFFD"
              "b\uFFFD");
}

TEST(LabelSheet, written_files_keep_every_text) {
    TemporaryFolder const folder;
    std::vector<LabelItem> const items = {{"baseline", "g", 0, "p\u201C1\u201D", "=cmd|' /C x'!A0"},
                                          {"baseline", "g", 1, "two\nlines, \"quoted\"", " \r\n"},
                                          {"baseline", "g", 2, "p3", ""}};
    write_label_sheet(folder / "new", make_label_sheet(items, 0));
    EXPECT_TRUE(read_file(folder / "new/labels_to_do.csv").starts_with("\xEF\xBB\xBFitem,"));
    auto const table = read_text_table(folder / "new/labels_to_do.csv");
    auto const key = read_csv(folder / "new/labels_key.csv");
    ASSERT_EQ(table.rows.size(), 3u);
    for (std::size_t r = 0; r < 3; ++r) {
        auto const& item = items[static_cast<std::size_t>(key.integer(r, "prompt_index"))];
        auto const shown = static_cast<std::size_t>(key.integer(r, "item")) - 1;
        EXPECT_EQ(restore_cell(table.rows[shown][1].value()), item.prompt);
        EXPECT_EQ(restore_cell(table.rows[shown][2].value()), item.completion);
    }
}

class HumanLabelsTest : public ::testing::Test {
protected:
    HumanLabels read(std::string_view filled, std::string_view key) {
        return read_human_labels(folder_.write("filled.csv", filled), folder_.write("key.csv", key));
    }
    HumanLabels read(std::string_view direct) { return read_human_labels(folder_.write("direct.csv", direct)); }

    TemporaryFolder folder_;
    std::string const key_ = "item,trial_id,group,prompt_index\n1,t1,g,0\n1,t2,g,0\n2,t1,g,1\n";
    std::string const head_ = "trial_id,group,prompt_index,label\n";
};

TEST_F(HumanLabelsTest, a_label_counts_for_every_trial_of_its_item) {
    auto const out =
        read("item,prompt,completion,label\r\n2,p,c, Full_Compliance \r\n1,\"p\nq\",c,2_full_refusal\r\n", key_);
    ASSERT_EQ(out.labels.size(), 3u);
    EXPECT_EQ(out.labels[0].trial_id, "t1");
    EXPECT_EQ(out.labels[0].prompt_index, 1);
    EXPECT_EQ(out.labels[0].label, Label::full_compliance);
    EXPECT_EQ(out.labels[2].trial_id, "t2");
    EXPECT_EQ(out.labels[2].group, "g");
    EXPECT_EQ(out.labels[2].label, Label::full_refusal);
    EXPECT_EQ(out.num_unfilled, 0);
}

TEST_F(HumanLabelsTest, a_sheet_of_ours_comes_back) {
    auto const items = some_items();
    auto sheet = make_label_sheet(items, 9);
    for (auto& row : sheet.to_do.rows)
        row[3] = row[2] == "same" ? "full_refusal" : "";
    write_label_sheet(folder_.path(), sheet);
    auto const out = read_human_labels(folder_ / "labels_to_do.csv", folder_ / "labels_key.csv");
    EXPECT_EQ(out.labels.size(), 30u);
    EXPECT_EQ(out.num_unfilled, 30);
    for (auto const& label : out.labels)
        EXPECT_EQ(label.prompt_index % 2, 1);
}

TEST_F(HumanLabelsTest, reads_labels_by_trial_and_prompt) {
    auto const out =
        read("label,prompt_index,trial_id,group,note\nrestricted,4,baseline,harmful,x\n,5,baseline,harmful,\n");
    ASSERT_EQ(out.labels.size(), 1u);
    EXPECT_EQ(out.labels[0].prompt_index, 4);
    EXPECT_EQ(out.labels[0].label, Label::full_refusal);
    EXPECT_EQ(out.num_unfilled, 1);
}

TEST_F(HumanLabelsTest, every_wrong_row_is_named) {
    EXPECT_ERROR(read("item,label\n1,full_refusal\n2,maybe\n", key_), ExitCode::bad_data, "filled.csv row 2",
                 "\"maybe\"", "full_compliance");
    EXPECT_ERROR(read("item,label\n9,full_refusal\n", key_), ExitCode::bad_data, "filled.csv row 1",
                 "item 9 is not in");
    EXPECT_ERROR(read("item,label\n,full_refusal\n", key_), ExitCode::bad_data, "filled.csv row 1", "item is empty");
    EXPECT_ERROR(read("item,label\n1,full_refusal\n1,full_refusal\n", key_), ExitCode::bad_data, "filled.csv row 2",
                 "filled.csv row 1", "has a label already");
    EXPECT_ERROR(read("item|label\n1|full_refusal\n", key_), ExitCode::bad_data, "no column item", "item|label");
    EXPECT_EQ(read("item;label\n1;full_refusal\n", key_).labels.size(), 2u);  // as some spreadsheets write
    EXPECT_ERROR(read("item,label,label\n1,full_refusal,full_refusal\n", key_), ExitCode::bad_data, "two columns");
    EXPECT_ERROR(read("item,label\n1,full_refusal\n", key_ + "2,t1,g,0\n"), ExitCode::bad_data, "key.csv row 4",
                 "twice");
    EXPECT_ERROR(read("item,label\n1,full_refusal\n", "item,trial_id,group\n1,t,g\n"), ExitCode::bad_data, "key.csv",
                 "no column prompt_index");
    EXPECT_ERROR(read("item,label\n1,full_refusal\n"), ExitCode::bad_data, "direct.csv", "no column trial_id");
    EXPECT_ERROR(read(head_ + "t,g,0,full_refusal\nt,g,1.5,full_refusal\n"), ExitCode::bad_data, "direct.csv row 2",
                 "prompt_index is 1.5");
    EXPECT_ERROR(read(head_ + "t,g,-1,full_refusal\n"), ExitCode::bad_data, "direct.csv row 1", "prompt_index is -1");
    EXPECT_ERROR(read(head_ + "t,,1,full_refusal\n"), ExitCode::bad_data, "direct.csv row 1", "group is empty");
    EXPECT_ERROR(read(head_ + "t,g,1,full_refusal\nt,g,1,full_compliance\n"), ExitCode::bad_data, "direct.csv row 2",
                 "has a label already");
    auto const absent = TemporaryFolder() / "absent" / "x.csv";
    EXPECT_ERROR(read_human_labels(absent), ExitCode::input_missing, absent.string());
}

TEST(LabelNames, every_name_is_known_in_any_case) {
    EXPECT_EQ(parse_label_name("1_full_compliance")->label, Label::full_compliance);
    EXPECT_EQ(parse_label_name("3_PARTIAL_refusal")->label, Label::partial_refusal);
    EXPECT_EQ(parse_label_name("Non-Restricted")->label, Label::full_compliance);
    EXPECT_EQ(parse_label_name("incoherent")->label, Label::incoherent);
    EXPECT_EQ(parse_label_name("unscored")->label, Label::unscored);
    EXPECT_TRUE(parse_label_name("refusal")->is_binary);
    EXPECT_FALSE(parse_label_name("full_refusal")->is_binary);
    for (auto const* name : {"", "harmful", "4_full_refusal", "full refusal"})
        EXPECT_FALSE(parse_label_name(name).has_value()) << name;
}

}  // namespace
}  // namespace gatesweep
