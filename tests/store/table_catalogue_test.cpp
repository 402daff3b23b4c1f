#include "gatesweep/store/table_catalogue.h"

#include <gtest/gtest.h>

#include <set>

#include "gatesweep/base/file.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

TEST(TableCatalogue, NamesEveryTableAndEveryColumnOnce) {
    std::set<std::string_view> stems;
    for (TableFacts const& facts : table_catalogue()) {
        EXPECT_TRUE(stems.insert(facts.stem).second) << facts.stem;
        auto const header = facts.header();
        EXPECT_EQ(std::set(header.begin(), header.end()).size(), header.size()) << facts.stem;
        EXPECT_FALSE(facts.description.empty()) << facts.stem;
        EXPECT_EQ(find_table(facts.stem), &facts);
        EXPECT_EQ(new_table(facts.stem).header, header);
    }
    EXPECT_EQ(find_table("no_such_table"), nullptr);
}

TEST(TableCatalogue, ReadersNeedTheColumnsOfTheFirstRuns) {
    TableFacts const& facts = table_catalogue()[0];
    CsvTable table = new_table(facts.stem);
    validate_columns(table, facts);
    table.header.erase(table.header.begin());
    EXPECT_ERROR(validate_columns(table, facts), ExitCode::bad_data, facts.header()[0]);
}

// results/README.md has a row for each: | `tables/STEM.csv` | `col,col` | ...
TEST(TableCatalogue, IsWhatTheReadmeOfResultsSays) {
    std::string const text = read_file(std::filesystem::path(GATESWEEP_SOURCE_DIR) / "results/README.md");
    for (TableFacts const& facts : table_catalogue()) {
        std::string const row = fmt::format("| `tables/{}.csv` | `{}", facts.stem, facts.columns);
        EXPECT_NE(text.find(row), text.npos) << "results/README.md has no row that begins with " << row;
    }
    for (auto at = text.find("| `tables/"); at != text.npos; at = text.find("| `tables/", at + 1)) {
        std::string const stem = text.substr(at + 10, text.find('`', at + 10) - at - 10);
        if (stem.empty()) continue;  // the folder itself
        EXPECT_TRUE(stem.ends_with(".csv")) << stem;
        EXPECT_NE(find_table(stem.substr(0, stem.size() - 4)), nullptr)
            << "results/README.md describes " << stem << ", which no run writes";
    }
}

}  // namespace
}  // namespace gatesweep
