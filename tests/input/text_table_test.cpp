#include "gatesweep/input/text_table.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

TEST(TextTable, csv_and_json_give_the_same_cells) {
    TemporaryFolder const folder;
    auto const csv = read_text_table(folder.write("a.csv", "\xEF\xBB\xBFName,n\r\n\"a\nb\",1\r\n,2\r\n"));
    auto const json =
        read_text_table(folder.write("a.json", "[{\"Name\": \"a\\nb\", \"n\": 1}, {\"Name\": \"\", \"n\": 2}]"));
    EXPECT_EQ(csv.columns, json.columns);
    EXPECT_EQ(csv.rows, json.rows);
    EXPECT_EQ(csv.rows.at(0).at(0), "a\nb");
    EXPECT_EQ(csv.sha256.size(), 64u);
    EXPECT_TRUE(csv.place(1).ends_with("a.csv row 2")) << csv.place(1);
}

TEST(TextTable, what_is_no_text_is_nothing) {
    TemporaryFolder const folder;
    auto const table =
        read_text_table(folder.write("a.jsonl", "{\"a\": null, \"b\": [1], \"c\": true}\n{\"d\": \"x\"}\n"));
    ASSERT_EQ(table.rows.size(), 2u);
    EXPECT_EQ(table.rows[0],
              (std::vector<std::optional<std::string>>{std::nullopt, std::nullopt, "true", std::nullopt}));
    EXPECT_EQ(table.rows[1], (std::vector<std::optional<std::string>>{std::nullopt, std::nullopt, std::nullopt, "x"}));
}

TEST(TextTable, columns_are_found_in_any_case_and_only_once) {
    TemporaryFolder const folder;
    auto const table = read_text_table(folder.write("a.csv", "Label,x,label\n1,2,3\n"));
    EXPECT_EQ(table.column("X"), 1);
    EXPECT_EQ(table.column("y"), -1);
    EXPECT_ERROR(table.column("LABEL"), ExitCode::bad_data, "a.csv", "two columns");
    EXPECT_EQ(table.column_list(), "\"Label\", \"x\", \"label\"");
}

}  // namespace
}  // namespace gatesweep
