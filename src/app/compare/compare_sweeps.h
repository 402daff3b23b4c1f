// What two sweeps came to, trial by trial.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "compare_signals.h"

namespace gatesweep {

// A trial of both on a group of both.
struct TrialPair {
    std::string id, name, group;
    double first_rate = 0.0;  // refusals of the prompts that could be judged; NaN without any
    double second_rate = 0.0;
    std::int64_t num_answers = 0;  // to matched prompts, in both
    std::int64_t equal_labels = 0;
    std::int64_t equal_tokens = 0;
};

struct SweepAgreement {
    std::int64_t only_first = 0;  // trials
    std::int64_t only_second = 0;
    std::vector<TrialPair> pairs;  // in the first's order
    std::int64_t num_answers = 0;
    std::int64_t equal_labels = 0;
    std::int64_t equal_tokens = 0;

    std::int64_t num_common() const;  // trials
    bool is_equal() const;
};

// Of two run folders that both hold tables/trials.csv and completions.jsonl. Errors: those of the files.
SweepAgreement compare_sweeps(std::filesystem::path const& first, std::filesystem::path const& second,
                              PromptMatch const& match);

}  // namespace gatesweep
