// EXPECT_ERROR(statement, ExitCode::bad_data, "words", "of the message"): it throws that Error and says those words.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/base/error.h"

namespace gatesweep {

inline void expect_error(std::function<void()> const& action, ExitCode code,
                         std::vector<std::string_view> const& words) {
    try {
        action();
    } catch (Error const& error) {
        std::string const message = error.what();
        EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code)) << message;
        for (auto const word : words) {
            EXPECT_NE(message.find(word), std::string::npos) << '"' << word << "\" is not in: " << message;
        }
        return;
    }
    ADD_FAILURE() << "no error";
}

}  // namespace gatesweep

#define EXPECT_ERROR(statement, code, ...)                                    \
    do {                                                                      \
        SCOPED_TRACE(#statement);                                             \
        ::gatesweep::expect_error([&] { statement; }, (code), {__VA_ARGS__}); \
    } while (false)
