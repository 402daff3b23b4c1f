#include "gatesweep/analysis/expert_list.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

TEST(ExpertList, IsReadInTheOrderOfTheFile) {
    TemporaryFolder const folder;
    auto const list = read_expert_list(folder.write("a.csv", "layer,expert,weight\n7,5,-0.25\n0,1,\n2,2,3\n"));
    ASSERT_EQ(list.size(), 3u);
    EXPECT_EQ(list[0].id, (ExpertId{7, 5}));
    EXPECT_EQ(list[0].weight, -0.25);
    EXPECT_EQ(list[1].id, (ExpertId{0, 1}));
    EXPECT_EQ(list[1].weight, std::nullopt);
    EXPECT_EQ(list[2].weight, 3.0);
}

TEST(ExpertList, WhatEditorsLeaveIsForgiven) {
    TemporaryFolder const folder;
    for (auto const bytes :
         {"layer,expert\n1,2", "\xEF\xBB\xBFlayer,expert\n1,2\n", "layer,expert\r\n1,2\r\n", "expert,layer\n2,1\n"}) {
        auto const list = read_expert_list(folder.write("a.csv", bytes));
        ASSERT_EQ(list.size(), 1u);
        EXPECT_EQ(list[0].id, (ExpertId{1, 2}));
        EXPECT_EQ(list[0].weight, std::nullopt);
    }
}

TEST(ExpertList, DamageIsNamedWithItsRow) {
    struct Case {
        std::string bytes, words;
    };
    TemporaryFolder const folder;
    for (auto const& [bytes, words] : std::vector<Case>{
             {"", "a.csv"},
             {"7,5\n12,1\n", "unknown column \"7\""},
             {"layer\n1\n", "no column \"expert\""},
             {"expert\n1\n", "no column \"layer\""},
             {"layer,expert,wieght\n1,2,3\n", "did you mean \"weight\"?"},
             {"layer,expert\n", "a list without experts"},
             {"layer,expert\n1,2\n1,2\n", "row 2: expert 1:2 is there already"},
             {"layer,expert\n1,2\n-1,2\n", "row 2: expert -1:2"},
             {"layer,expert\n1,-2\n", "row 1: expert 1:-2"},
             {"layer,expert\n1,2\nx,2\n", "row 2"},
             {"layer,expert\n1,2.5\n", "row 1"},
             {"layer,expert\n1\n", "a.csv"},
             {"layer,expert,weight\n1,2,0\n", "row 1: weight 0"},
             {"layer,expert,weight\n1,2,nan\n", "row 1: weight nan"},
             {"layer,expert,weight\n1,2,inf\n", "row 1: weight inf"},
             {"layer,expert,weight\n1,2,strong\n", "row 1"},
         }) {
        SCOPED_TRACE(bytes);
        EXPECT_ERROR(read_expert_list(folder.write("a.csv", bytes)), ExitCode::bad_data, "a.csv", words);
    }
    EXPECT_ERROR(read_expert_list(folder / "b.csv"), ExitCode::input_missing, "b.csv");
}

}  // namespace
}  // namespace gatesweep
