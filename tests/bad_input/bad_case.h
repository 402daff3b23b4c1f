// Bad input through the real program: a good job is written, one thing of it is broken, and `gatesweep run` must refuse
// it with the right exit code and one message that names the thing, on one rank and on two, without a trace of success.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "gatesweep/base/error.h"
#include "support/child_process.h"
#include "support/temporary_folder.h"

namespace gatesweep {

// A folder with everything that a run needs, all of it good: model/ (the golden checkpoint hub-bf16), benign.csv,
// harmful.csv and job.toml.
class Workshop {
public:
    explicit Workshop(int num_ranks);

    std::filesystem::path const& folder() const { return folder_.path(); }
    std::filesystem::path operator/(std::string_view name) const { return folder() / name; }
    std::filesystem::path out() const { return folder() / "out"; }

    // Puts another golden checkpoint into model/.
    void use_model(std::string const& golden_name) const;
    void write(std::string_view name, std::string_view bytes) const;
    // Every occurrence; there must be one, else the case would test nothing.
    void replace(std::string_view name, std::string_view from, std::string_view to) const;
    void remove(std::string_view name) const;
    void set(std::string const& key_and_value) { arguments.insert(arguments.end(), {"--set", key_and_value}); }

    // gatesweep with `arguments`, in the folder, on num_ranks.
    ChildResult run() const;

    int num_ranks;
    std::vector<std::string> arguments;  // "run", the job file, "--out", out()

private:
    TemporaryFolder folder_;
};

struct BadCase {
    std::string name;  // letters, digits and underscores
    ExitCode code;
    std::vector<std::string> words;  // all of them in the message: the thing, and what to do
    std::function<void(Workshop&)> break_it;
};
inline void PrintTo(BadCase const& bad, std::ostream* out) {
    *out << bad.name;
}

// Runs the case and checks what every refusal owes the user. --gtest_output=xml:FILE lists messages and times.
void expect_refusal(BadCase const& bad, int num_ranks);

class BadInput : public testing::TestWithParam<std::tuple<BadCase, int>> {};

inline std::string name_of_case(testing::TestParamInfo<BadInput::ParamType> const& info) {
    return std::get<0>(info.param).name + (std::get<1>(info.param) == 1 ? "_1_rank" : "_2_ranks");
}

}  // namespace gatesweep

// Tests of a list of cases, each on 1 and on 2 ranks.
#define GATESWEEP_BAD_INPUT(topic, cases)                                                                        \
    INSTANTIATE_TEST_SUITE_P(topic, BadInput, testing::Combine(testing::ValuesIn(cases), testing::Values(1, 2)), \
                             name_of_case)
