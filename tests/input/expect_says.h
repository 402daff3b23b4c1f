// What a refusal says.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "gatesweep/base/error.h"

#define EXPECT_SAYS(message, words) EXPECT_NE((message).find(words), std::string::npos) << (message)

namespace gatesweep {

// The message of the Error that the call ends with.
template <class Call>
std::string refusal(ExitCode code, Call const& call) {
    try {
        call();
    } catch (Error const& error) {
        EXPECT_EQ(error.code(), code) << error.what();
        return error.what();
    }
    ADD_FAILURE() << "no error";
    return "";
}

}  // namespace gatesweep
