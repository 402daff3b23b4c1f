#include "gatesweep/base/environment.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/expect_error.h"

namespace gatesweep {
namespace {

TEST(WordOfEnvironment, IsOneOfTwoOrTheOtherwise) {
    constexpr char const* name = "GATESWEEP_TEST_WORD";
    auto const word = [] { return word_of_environment(name, "this", "that", "unset"); };
    ASSERT_EQ(unsetenv(name), 0);
    EXPECT_EQ(word(), "unset");
    ASSERT_EQ(setenv(name, "that", 1), 0);
    EXPECT_EQ(word(), "that");
    for (char const* other : {"", "thi", "THIS"}) {
        ASSERT_EQ(setenv(name, other, 1), 0);
        EXPECT_ERROR(word(), ExitCode::usage, name, other, "is neither this nor that", "unset it");
    }
    ASSERT_EQ(unsetenv(name), 0);
}

}  // namespace
}  // namespace gatesweep
