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
#include "input/expect_says.h"
#include "support/temporary_folder.h"

namespace gatesweep {

using Ids = std::vector<std::int32_t>;

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
