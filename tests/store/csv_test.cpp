#include "gatesweep/store/csv.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

TEST(Csv, WritesNumbersAsPeopleExpect) {
    EXPECT_EQ(to_cell(176.0), "176");
    EXPECT_EQ(to_cell(0.1), "0.1");
    EXPECT_EQ(to_cell(0.0001), "0.0001");
    EXPECT_EQ(to_cell(5.15e-5), "5.15e-05");
    EXPECT_EQ(to_cell(std::numeric_limits<double>::quiet_NaN()), "nan");
    EXPECT_EQ(to_cell(std::int64_t{-3}), "-3");
    EXPECT_EQ(to_cell("a,b"), "a,b");
}

TEST(Csv, NumbersComeBackWithTheSameBits) {
    std::mt19937_64 random(3);
    CsvTable table;
    table.header = {"x"};
    std::vector<double> values = {
        0.0, -0.0, 0.1, 1.0 / 3.0, 5e-324, 1.7976931348623157e308, -1e16, 123456789012345680.0};
    while (values.size() < 20000) {
        double const value = std::bit_cast<double>(random());
        if (std::isfinite(value)) values.push_back(value);
    }
    for (double const value : values)
        table.add(value);
    CsvTable const back = parse_csv(to_csv(table), "t.csv");
    ASSERT_EQ(back.rows.size(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        EXPECT_EQ(std::bit_cast<std::uint64_t>(back.number(i, "x")), std::bit_cast<std::uint64_t>(values[i]));
        EXPECT_EQ(std::strtod(table.rows[i][0].c_str(), nullptr), values[i]);  // another reader agrees
    }
}

TEST(Csv, QuotesExactlyWhatNeedsIt) {
    CsvTable table;
    table.header = {"id", "text"};
    table.add("a", "plain text; 'quotes' \t tab");
    table.add("b,c", "he said \"no\"");
    table.add("", "two\nlines\r\n");
    EXPECT_EQ(to_csv(table),
              "id,text\na,plain text; 'quotes' \t tab\n\"b,c\",\"he said \"\"no\"\"\"\n,\"two\nlines\r\n\"\n");
}

TEST(Csv, AnyTextComesBack) {
    std::mt19937 random(4);
    std::string const letters = "ab,\"\n\r '\xc3\xa9";
    for (int trial = 0; trial < 2000; ++trial) {
        CsvTable table;
        std::size_t const num_columns = 1 + random() % 3;
        for (std::size_t c = 0; c < num_columns; ++c)
            table.header.push_back(fmt::format("c{}", c));
        for (std::size_t r = random() % 4; r > 0; --r) {
            auto& row = table.rows.emplace_back();
            for (std::size_t c = 0; c < num_columns; ++c) {
                auto& cell = row.emplace_back();
                for (std::size_t n = random() % 5; n > 0; --n)
                    cell += letters[random() % letters.size()];
            }
        }
        std::string const text = to_csv(table);
        CsvTable const back = parse_csv(text, "t.csv");
        EXPECT_EQ(back.header, table.header);
        EXPECT_EQ(back.rows, table.rows) << text;
    }
}

TEST(Csv, ReadsLinesOfEitherEnd) {
    CsvTable const table = parse_csv("a,b\r\n1,\"2\"\r\n3,4\n", "t.csv");
    EXPECT_EQ(table.rows, (std::vector<std::vector<std::string>>{{"1", "2"}, {"3", "4"}}));
}

TEST(Csv, RefusesWhatItDidNotWrite) {
    struct Case {
        std::string text, says;
    };
    for (Case const& c : std::vector<Case>{
             {"", "line 1: the table is empty"},
             {"a,b\n1,2\n3", "was cut"},
             {"a,b\n1\n", "line 2: 1 cells under 2 columns"},
             {"a,b\n\"x\ny\",1\n1,2,3\n", "line 4: 3 cells under 2 columns"},
             {"a,b\n\n", "line 2: 1 cells"},
             {"a,a\n1,2\n", "'a' appears twice"},
             {"a,b\n1\"2,3\n", "a quote inside"},
             {"a,b\n\"1\"2,3\n", "text after a quoted cell"},
             {"a,b\n\"1,3\n", "without its end"},
             {"a,b\n1\r2,3\n", "carriage return"},
             {std::string("a,b\n1,\0\n", 8), "NUL"},
             {std::string("a,b\n1,\"\0\"\n", 10), "NUL"},
         }) {
        EXPECT_ERROR(parse_csv(c.text, "run/t.csv"), ExitCode::bad_data, c.says, "run/t.csv");
    }
}

TEST(Csv, NamesTheCellThatIsNotWhatWasAskedFor) {
    CsvTable const table = parse_csv("layer,score\n1,0.5\n2x,\n", "t.csv");
    EXPECT_EQ(table.integer(0, "layer"), 1);
    EXPECT_EQ(table.number(0, "score"), 0.5);
    EXPECT_EQ(table.text(1, "score"), "");
    EXPECT_ERROR(table.integer(1, "layer"), ExitCode::bad_data, "row 2, column layer: '2x' is not an integer");
    EXPECT_ERROR(table.number(1, "score"), ExitCode::bad_data, "row 2, column score: '' is not a number");
    EXPECT_ERROR(table.integer(0, "score"), ExitCode::bad_data, "'0.5' is not an integer");
    EXPECT_ERROR(table.text(0, "expert"), ExitCode::bad_data, "no column expert");
    EXPECT_ERROR(table.text(2, "layer"), ExitCode::bad_data, "no row 3");
    CsvTable uneven;
    uneven.header = {"a", "b"};
    uneven.add(1);
    EXPECT_ERROR(to_csv(uneven), ExitCode::internal);
    auto const absent = TemporaryFolder() / "absent" / "t.csv";
    EXPECT_ERROR(read_csv(absent), ExitCode::input_missing);
}

}  // namespace
}  // namespace gatesweep
