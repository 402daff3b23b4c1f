// How differently two texts are routed, layer by layer, and what many pairs of texts say together.
//
//   q_l(x)     routing vector of text x in layer l: the weights of the K experts of a token, divided by their sum,
//   stand
//              at their experts and 0 at all others; mean over the counted tokens
//   JS_l       Jensen-Shannon divergence of two routing vectors, 1/2 KL(q||m) + 1/2 KL(q'||m) with m = (q + q') / 2,
//              natural logarithm, 0 ln 0 = 0: from 0 to ln 2 = 0.693
//   overlap_l  experts of K that both have: of token-aligned texts mean over the tokens of |S(t) n S'(t)|, where S(t)
//              are the experts of token t; of others of the K largest entries of the two routing vectors, ties to the
//              lower expert
//
// After RASET (arXiv 2605.29708), whose divergences have these sizes. That the weights are those of the chosen experts,
// that tokens are averaged before JS is taken, and what overlap is where tokens are not aligned, is our reading.
//
// Sums run in float64 in the order of tokens, layers and pairs: the result is a function of the input alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gatesweep/analysis/bootstrap.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/terms/counted_tokens.h"
#include "gatesweep/terms/moe_layers.h"

namespace gatesweep {

struct RoutedText {
    CountedTokens tokens;        // the experts of each; need not be there where only routing vectors are compared
    std::vector<double> shares;  // [L * E] routing vectors: every layer sums to 1
};

// Texts that one model routed. Two sets of the same texts are a model before and after a change.
struct RoutedTexts {
    std::int64_t num_layers = 0;  // with a router
    std::int64_t num_experts = 0;
    std::int64_t top_k = 0;
    std::vector<RoutedText> texts;
};

// Text a of one set and text b of another, or of the same.
struct TextPair {
    std::size_t a = 0, b = 0;
};

enum class OverlapOf { tokens, vectors };

struct PairDivergence {
    std::vector<double> js, overlap;  // [L]
};

double js_divergence(std::span<double const> p, std::span<double const> q);
// How many of the `top_k` largest entries both have.
double vector_overlap(std::span<double const> p, std::span<double const> q, std::int64_t top_k);
// Mean over the tokens of both, of as many as the shorter has, of the experts of a layer that both chose.
double token_overlap(CountedTokens const& a, CountedTokens const& b, std::int64_t row);

// The two sets are of one shape.
std::vector<PairDivergence> divergences(RoutedTexts const& a, RoutedTexts const& b, std::span<TextPair const> pairs,
                                        OverlapOf overlap);

// Means over pairs, with intervals from resampled pairs; of one layer, or of the mean over all.
struct DivergenceSummary {
    std::int64_t row = all_layers;  // of L
    Estimate js, overlap;

    static constexpr std::int64_t all_layers = -1;
};
// By layer, then that of all. `resamples` are drawn rows of `pairs`; none: the intervals are NaN.
std::vector<DivergenceSummary> summaries(std::span<PairDivergence const> pairs, std::span<DrawnRows const> resamples);

// Adds them to a table with the columns of `audit`.
void add_summaries(std::string_view condition, std::span<PairDivergence const> pairs,
                   std::span<DrawnRows const> resamples, MoeLayers const& moe_layers, CsvTable& table);

// Means over layers, pair by pair.
std::vector<double> js_of_pairs(std::span<PairDivergence const> pairs);
// Mean of some pairs over the mean of others, each resampled by itself.
Estimate ratio_of_means(std::span<double const> of, std::span<DrawnRows const> of_resamples, std::span<double const> to,
                        std::span<DrawnRows const> to_resamples);

}  // namespace gatesweep
