// The replies of a finished sweep with their labels, read back from the folder of the run.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/label/human_labels.h"
#include "gatesweep/label/labelling.h"
#include "gatesweep/sweep/stored_plan.h"

namespace gatesweep {

struct StoredReplies {
    StoredSweep sweep;
    std::vector<std::string> groups;  // by prompt
    PromptMetadata metadata;
    NdArray<std::int64_t> activation_counts;
    std::map<std::int64_t, std::string> prompts;  // texts, by row of tables/prompts.csv
    // By line of completions.jsonl.
    std::vector<std::int64_t> trial, prompt;
    std::vector<std::optional<std::string>> text;
    std::vector<ReplyLabel> label;

    std::vector<Reply> replies() const;
    // With the labels of the run, or others.
    SweepOutcomes outcomes(SweepSpec const& sweep_spec, std::vector<ReplyLabel> const& labels) const;
};

// Errors: input_missing without a sweep; bad_data for tables and replies that do not belong together, and where no
// reply was ever read (token ids alone).
StoredReplies read_stored_replies(std::filesystem::path const& run_folder);

}  // namespace gatesweep
