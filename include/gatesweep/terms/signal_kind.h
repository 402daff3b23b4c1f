// The signals: what is measured of every expert, and all that is said of each of them. One row makes a signal: jobs,
// tables, maps, classes, figures and report go by it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/terms/thresholds.h"

namespace gatesweep {

//   activation      share of the layer's routed tokens that went to the expert, A[l,e] / sum_j A[l,j]; 1/E is uniform
//   gradient        mean over D of |d loss / d gate_weight[l][e,:]|, as it is
//   gradient_share  that divided by its layer's sum, prompt by prompt: raw gradients grow towards the last layer, so
//                   that raw gaps compare layers more than experts
enum class SignalKind { activation, gradient, gradient_share };

// Names of the figures, without their ending.
struct SignalFigures {
    std::string_view distribution, cumulative, dominant, effective;
};

struct SignalFacts {
    SignalKind kind;
    std::string_view word;      // in tables of the signals
    std::string_view job_word;  // in jobs, and where a table of a sweep quotes the job
    std::string_view title;     // in prose
    std::string_view score;     // what the number of an expert is
    std::string_view meaning;   // a sentence about that number
    std::string_view more;      // "2 experts ... more on harmful"
    std::string_view column;    // of tables/classes_<word>.csv: benign_avg_<column>
    std::string_view gap_name;  // of the gap, in a line of the terminal
    bool is_share;              // the experts of a layer sum to one
    Thresholds limits;          // of the classes, where the job names no others
    SignalFigures figures;

    double max_gap() const { return is_share ? 1.0 : std::numeric_limits<double>::max(); }
};

inline constexpr std::array signal_kinds = {
    SignalFacts{SignalKind::activation,
                "activation",
                "activation",
                "activation",
                "share of the layer's routing",
                "How often the router chooses an expert.",
                "clearly more used",
                "score",
                "activation gap",
                true,
                {0.05, 0.08},
                {"lab10_group_score_distribution", "lab10_group_cumulative_score",
                 "lab12_group_layerwise_dominant_score", "lab12_group_layerwise_effective_experts"}},
    SignalFacts{SignalKind::gradient,
                "gradient",
                "gradient",
                "gradient",
                "mean |gradient| of the gate row",
                "How strongly the loss responds to an expert's row of the router's gate.",
                "clearly stronger",
                "grad",
                "raw gradient",
                false,
                {1e-4, 1e-4},
                {"lab17_group_gradient_score_distribution", "lab17_group_gradient_cumulative_score",
                 "lab19_group_layerwise_dominant_gradient_score", "lab19_group_layerwise_effective_experts"}},
    SignalFacts{SignalKind::gradient_share,
                "gradient_share",
                "gradient-share",
                "gradient share",
                "share of the layer's gradient",
                "The gradient divided by the sum over its layer, which makes layers comparable.",
                "clearly stronger",
                "score",
                "gradient share",
                true,
                {0.05, 0.08},
                {"gradient_share_distribution", "gradient_share_cumulative", "gradient_share_dominant",
                 "gradient_share_effective_experts"}},
};

constexpr SignalFacts const& facts_of(SignalKind kind) {
    return signal_kinds[static_cast<std::size_t>(kind)];
}
constexpr std::string_view to_string(SignalKind kind) {
    return facts_of(kind).word;
}
// By either spelling; null for a word that names none.
constexpr SignalFacts const* find_signal(std::string_view word) {
    for (SignalFacts const& facts : signal_kinds) {
        if (word == facts.word || word == facts.job_word) return &facts;
    }
    return nullptr;
}
// How jobs name them, in order.
inline std::vector<std::string_view> signal_job_words() {
    std::vector<std::string_view> words;
    for (SignalFacts const& facts : signal_kinds)
        words.push_back(facts.job_word);
    return words;
}

}  // namespace gatesweep
