#include "gatesweep/input/strict_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/expect_error.h"

namespace gatesweep {
namespace {

TEST(StrictJson, ReadsEveryKindOfValue) {
    std::string const text =
        R"( {"a":[1,-2,0.5,1e2,"x\n\u00e9",true,false,null,[],{}],"b":{"c":{"d":18446744073709551615}}} )";
    auto const value = parse_strict_json(text, "x.json");
    EXPECT_EQ(value, nlohmann::json::parse(text));
    EXPECT_EQ(value["b"]["c"]["d"].get<std::uint64_t>(), ~std::uint64_t{0});
    EXPECT_EQ(parse_strict_json("7", "x.json"), 7);
}

TEST(StrictJson, CountsTheNestingExactly) {
    EXPECT_EQ(parse_strict_json("[[{}]]", "x.json", 3).dump(), "[[{}]]");
    EXPECT_ERROR(parse_strict_json("[[{}]]", "x.json", 2), ExitCode::bad_data, "x.json", "nested more than 2 deep");
    EXPECT_EQ(parse_strict_json("[[],[],[[]]]", "x.json", 3).size(), 3u);
}

TEST(StrictJson, RefusesWhatHasTwoMeanings) {
    EXPECT_ERROR(parse_strict_json(R"({"a":{"k":1,"l":2,"k":3}})", "x.json"), ExitCode::bad_data, "\"k\"", "twice");
    EXPECT_EQ(parse_strict_json(R"([{"k":1},{"k":2}])", "x.json").size(), 2u);
    EXPECT_ERROR(parse_strict_json("[18446744073709551616]", "x.json"), ExitCode::bad_data, "18446744073709551616");
    EXPECT_ERROR(parse_strict_json("[-9223372036854775809]", "x.json"), ExitCode::bad_data, "-9223372036854775809");
    EXPECT_EQ(parse_strict_json("[-9223372036854775808]", "x.json")[0].get<std::int64_t>(), INT64_MIN);
}

TEST(StrictJson, NamesTheLineOfAMistake) {
    EXPECT_ERROR(parse_strict_json("{\n \"a\": 1,\n \"b\": oops\n}", "x.json"), ExitCode::bad_data, "line 3");
    EXPECT_ERROR(parse_strict_json("", "x.json"), ExitCode::bad_data, "x.json", "line 1");
    EXPECT_ERROR(parse_strict_json("[1] [2]", "x.json"), ExitCode::bad_data, "not valid JSON");
    EXPECT_ERROR(parse_strict_json(std::string_view("[1]\0", 4), "x.json"), ExitCode::bad_data, "NUL", "byte 3");
}

}  // namespace
}  // namespace gatesweep
