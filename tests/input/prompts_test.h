// Prompt files written by a test, and what reading them says.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gatesweep/base/error.h"
#include "gatesweep/input/prompts.h"
#include "input/temporary_folder.h"

namespace gatesweep {

using Ids = std::vector<std::int32_t>;

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

class PromptsTest : public ::testing::Test {
protected:
    PromptSource source(std::string const& name, std::string_view bytes, std::string const& group = "benign") {
        PromptSource out;
        out.group = group;
        out.file = folder_.write(name, bytes);
        return out;
    }
    static PromptSet load(std::vector<PromptSource> sources) {
        Job job;
        job.prompts = std::move(sources);
        return load_prompts(job);
    }
    PromptSet load(std::string const& name, std::string_view bytes) { return load({source(name, bytes)}); }
    std::string refuses(std::string const& name, std::string_view bytes) {
        return refusal(ExitCode::bad_data, [&] { load(name, bytes); });
    }

    TemporaryFolder folder_;
};

}  // namespace gatesweep

#define EXPECT_SAYS(message, words) EXPECT_NE((message).find(words), std::string::npos) << (message)
