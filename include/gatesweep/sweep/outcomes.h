// What came out of every trial on every prompt: labels of the completions, and side effects on text.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gatesweep/input/job.h"
#include "gatesweep/label/label.h"

namespace gatesweep {

struct Outcome {
    Label label = Label::unscored;
    bool empty = false;       // nothing but white space was generated
    bool repetitive = false;  // the text runs in circles (sweep/fluency.h)
    bool by_person = false;   // who gave the label: a person, or the labeller
};

// Against the baseline, on the prompts of one group followed by the baseline's replies, teacher forced.
struct TextEffect {
    double perplexity_ratio = std::numeric_limits<double>::quiet_NaN();  // exp(mean NLL of the trial - of the baseline)
    double mean_kl = std::numeric_limits<double>::quiet_NaN();           // nats, KL(baseline || trial) per token
};

struct SweepOutcomes {
    // Row r: a prompt that was generated on, in the order of the prompts.
    std::vector<std::int64_t> prompt_index;
    std::vector<std::string> group;
    std::vector<std::vector<Outcome>> outcomes;                       // [trial][row]
    MixedPairs mixed = MixedPairs::leave_out;                         // labels of a person and of the labeller
    std::map<std::pair<std::int64_t, std::string>, TextEffect> text;  // (trial, group)
    // (trial, group): share of the baseline's routed traffic that went to the edited experts
    std::map<std::pair<std::int64_t, std::string>, double> traffic_share;
    // (trial, group): sweep/tokens_affected.h; absent where a run is older than that
    std::map<std::pair<std::int64_t, std::string>, std::int64_t> tokens_affected;

    std::vector<std::string> groups() const;  // in order of first appearance
};

}  // namespace gatesweep
