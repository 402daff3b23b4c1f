// The two sides of pairs against each other, as counts of chosen experts: of all counted tokens, and of parts of them
// that leave less to explain by something else.
//
//   all             every counted token of both sides
//   length-matched  of each pair as many tokens as the shorter side has, from the beginning of both
//   equal-token     every token id weighs the same on both sides: min(n0, n1), its counts on the two. What is left is
//                   how one and the same token is routed on the two sides
//   halves-0        side 0 of even pairs against side 0 of odd ones, numbered from 0: what chance alone gives
//   halves-1        the same of side 1
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gatesweep/analysis/pair_input.h"
#include "gatesweep/terms/counted_tokens.h"
#include "gatesweep/terms/moe_layers.h"

namespace gatesweep {

struct MeasuredPair {
    std::string id, name;  // of the pair, and of its [[pairs]]
    std::array<std::int64_t, 2> num_tokens{};
    std::array<double, 2> losses{};  // mean next-token cross-entropy of the whole conversation
    std::array<CountedTokens, 2> counted;
};

// The pairs of a run, those of one [[pairs]] together and in its order.
struct MeasuredPairs {
    std::vector<MeasuredPair> pairs;
    std::int64_t num_layers = 0;  // with a router
    std::int64_t num_experts = 0;
    std::int64_t top_k = 0;
    MoeLayers moe_layers;  // what the rows of the counts are
};

struct NamedPairs {
    std::string name;
    std::span<MeasuredPair const> pairs;
};
std::vector<NamedPairs> by_name(MeasuredPairs const& measured);

// Tokens of both sides, and how many of them chose each expert: whole numbers, but for equal-token, where tokens weigh.
struct Contrast {
    std::string name;
    std::array<double, 2> num_tokens{};
    std::array<std::vector<double>, 2> chosen;  // [L*E]

    double rate(std::size_t side, std::size_t expert) const { return chosen[side][expert] / num_tokens[side]; }
    double difference(std::size_t expert) const { return rate(0, expert) - rate(1, expert); }
    std::vector<double> differences() const;
    bool is_empty() const { return num_tokens[0] == 0.0 || num_tokens[1] == 0.0; }
};

Contrast whole_contrast(MeasuredPairs const& measured, NamedPairs const& pairs);
// The others, without those for which there are no tokens.
std::vector<Contrast> control_contrasts(MeasuredPairs const& measured, NamedPairs const& pairs);

// What a run stores of them.
PairInput pair_input(MeasuredPairs const& measured);

}  // namespace gatesweep
