// Labels for the replies of a sweep, by the method that the job names, and the labeller's own error.
#pragma once

#include <ATen/core/TensorBody.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/input/job.h"
#include "gatesweep/label/human_labels.h"
#include "gatesweep/label/label_validation.h"
#include "gatesweep/store/ledger.h"

namespace gatesweep {

enum class LabelSource { nobody, labeller, person };

struct ReplyLabel {
    Label label = Label::unscored;
    LabelSource by = LabelSource::nobody;
};

// What labels replies that no person did: "phrases", "1 (built in)"; "judge refusal-question", "1".
struct LabellerName {
    std::string method, version;
};

struct LabelledReplies {
    std::vector<ReplyLabel> labels;  // by reply
    std::vector<Label> by_labeller;  // by reply, where people labelled it too
    LabellerName labeller;

    // "phrases 1 (built in)", "judge refusal-question 1", "human", or nothing for a reply that could not be read.
    std::string source(std::size_t reply) const;
};

constexpr char const* verdict_record = "verdict";  // the kind of a ledger's records

// Where a judge's verdicts are committed as they come, and where it is told how many there will be.
struct LabelLedger {
    Ledger& ledger;
    std::function<void(char const* kind, std::int64_t num_records)> expect;
};

// Checks what [sweep.labels] names (rules, template, judge folder, human labels, validation file) before anything is
// computed. Rank 0 only. Errors: those of the files.
void check_label_inputs(Job const& job);

// Collective: judges run on every rank, each with a share of the replies. The final rank's `replies` count and get
// their labels; labels of people override the labeller's. Errors: those of labels_of_replies; ExitCode::stopped on
// every rank when told to stop with verdicts missing.
LabelledReplies label_replies(LabelsSpec const& labels, at::Device device, ParallelLayout const& layout,
                              std::vector<Reply> const& replies, LabelLedger const& to);

// The labeller's agreement with the job's validation file; nothing without one. Same calling rule; final rank's result.
std::optional<LabelQuality> measure_labeller(Job const& job, at::Device device, ParallelLayout const& layout);

// The labeller's agreement with the people who labelled replies of this sweep, each different reply to a prompt counted
// once; nothing where nobody did. Final rank.
std::optional<LabelQuality> labeller_beside_people(LabelsSpec const& labels, std::vector<Reply> const& replies,
                                                   LabelledReplies const& labelled);

// Labels of the built-in or the job's phrase rules, for what needs labels before the sweep: of the texts themselves.
std::vector<Label> phrase_labels(Job const& job, std::vector<std::string> const& texts);

}  // namespace gatesweep
