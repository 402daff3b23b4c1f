#include "gatesweep/analysis/group_layers.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "gatesweep/store/table_catalogue.h"

namespace gatesweep {
namespace {

using Shares = std::vector<double>;  // [L * E], of tokens

Shares shares_of(AnalysisInput const& input, std::vector<std::size_t> const& prompts) {
    auto const num = static_cast<std::size_t>(input.activation_counts.shape[1] * input.activation_counts.shape[2]);
    std::vector<std::int64_t> sums(num, 0);
    std::int64_t tokens = 0;
    for (std::size_t const p : prompts) {
        auto const row = input.activation_counts.row(static_cast<std::int64_t>(p));
        std::ranges::transform(sums, row, sums.begin(), std::plus());
        tokens += input.num_tokens[p];
    }
    Shares out;
    for (std::int64_t const sum : sums)
        out.push_back(static_cast<double>(sum) / static_cast<double>(tokens));
    return out;
}

std::vector<std::size_t> prompts_of(AnalysisInput const& input, std::string const& group) {
    std::vector<std::size_t> out;
    for (std::size_t p = 0; p < input.groups.size(); ++p) {
        if (input.groups[p] == group) out.push_back(p);
    }
    return out;
}

struct Distance {
    double mean = 0.0, max = 0.0;
};

Distance distance(std::span<double const> a, std::span<double const> b) {
    Distance out;
    for (std::size_t e = 0; e < a.size(); ++e) {
        double const difference = std::abs(a[e] - b[e]);
        out.mean += difference;
        out.max = std::max(out.max, difference);
    }
    out.mean /= static_cast<double>(a.size());
    return out;
}

// The two halves of a group; none of a group of one prompt.
std::vector<std::pair<Shares, Shares>> halves(AnalysisInput const& input, std::vector<std::size_t> const& prompts) {
    if (prompts.size() < 2) return {};
    std::vector<std::size_t> parts[2];
    for (std::size_t i = 0; i < prompts.size(); ++i)
        parts[i % 2].push_back(prompts[i]);
    return {{shares_of(input, parts[0]), shares_of(input, parts[1])}};
}

}  // namespace

CsvTable group_layers_table(AnalysisInput const& input) {
    CsvTable table = new_table("group_layers");
    std::vector<std::size_t> const malicious = prompts_of(input, input.parameters.malicious),
                                   benign = prompts_of(input, input.parameters.benign);
    Shares const a = shares_of(input, malicious), b = shares_of(input, benign);
    auto by_chance = halves(input, malicious);
    for (auto& pair : halves(input, benign))
        by_chance.push_back(std::move(pair));
    auto const num = static_cast<std::size_t>(input.activation_counts.shape[2]);
    for (std::int64_t row = 0; row < input.activation_counts.shape[1]; ++row) {
        auto const layer = [&](Shares const& shares) {
            return std::span(shares).subspan(static_cast<std::size_t>(row) * num, num);
        };
        Distance const between = distance(layer(a), layer(b));
        double chance = by_chance.empty() ? std::nan("") : 0.0;
        for (auto const& [even, odd] : by_chance)
            chance = std::max(chance, distance(layer(even), layer(odd)).mean);
        table.add(input.moe_layers.layer(row), between.mean, between.max, chance, between.mean <= chance ? 1 : 0);
    }
    return table;
}

}  // namespace gatesweep
