#include "compare_signals.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <tuple>

#include "gatesweep/analysis/rank_correlation.h"

namespace gatesweep {
namespace {

using Key = std::tuple<std::string, std::string, int>;  // group, id, how many of that name came before

std::vector<Key> keys_of(AnalysisInput const& input) {
    std::map<std::pair<std::string, std::string>, int> seen;
    std::vector<Key> keys;
    for (std::size_t p = 0; p < input.groups.size(); ++p) {
        keys.emplace_back(input.groups[p], input.prompt_ids[p], seen[{input.groups[p], input.prompt_ids[p]}]++);
    }
    return keys;
}

std::string name_of(Key const& key) {
    return std::get<0>(key) + ' ' + std::get<1>(key);
}

// The matched rows of one run; a loss that both lack (a prompt of one token has none) is no difference.
template <class RowOf>
Signals select(AnalysisInput const& input, PromptMatch const& match, RowOf row_of) {
    auto const& shape = input.activation_counts.shape;
    std::vector<std::int64_t> const dims = {std::ssize(match.rows), shape[1], shape[2]};
    Signals out;
    out.activation_counts = NdArray<std::int64_t>(dims);
    out.gradient_scores = NdArray<double>(dims);
    out.losses = NdArray<double>({dims[0]});
    std::int64_t const cells = shape[1] * shape[2];
    for (std::int64_t p = 0; p < dims[0]; ++p) {
        std::int64_t const from = row_of(match.rows[static_cast<std::size_t>(p)]);
        std::copy_n(input.activation_counts.values.begin() + from * cells, cells,
                    out.activation_counts.values.begin() + p * cells);
        std::copy_n(input.gradient_scores.values.begin() + from * cells, cells,
                    out.gradient_scores.values.begin() + p * cells);
        out.losses.values[static_cast<std::size_t>(p)] = input.losses[static_cast<std::size_t>(from)];
    }
    return out;
}

template <class T>
std::int64_t num_equal(std::vector<T> const& a, std::vector<T> const& b) {
    std::int64_t equal = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        equal += a[i] == b[i];
    return equal;
}

void drop_missing_losses(Signals& a, Signals& b) {
    for (std::size_t i = 0; i < a.losses.values.size(); ++i) {
        if (std::isnan(a.losses.values[i]) && std::isnan(b.losses.values[i]))
            a.losses.values[i] = b.losses.values[i] = 0.0;
    }
}

double correlation_of_means(NdArray<double> const& a, NdArray<double> const& b, std::vector<std::int64_t> const& rows) {
    return rank_correlation(group_maps(a, rows).mean.values, group_maps(b, rows).mean.values);
}

}  // namespace

PromptMatch match_prompts(AnalysisInput const& first, AnalysisInput const& second) {
    std::vector<Key> const a = keys_of(first), b = keys_of(second);
    std::map<Key, std::int64_t> rows_of_second;
    for (std::size_t p = 0; p < b.size(); ++p)
        rows_of_second[b[p]] = static_cast<std::int64_t>(p);
    PromptMatch match;
    for (std::size_t p = 0; p < a.size(); ++p) {
        auto const found = rows_of_second.find(a[p]);
        if (found == rows_of_second.end()) {
            match.only_first.push_back(name_of(a[p]));
            continue;
        }
        auto const other = static_cast<std::size_t>(found->second);
        if (first.num_tokens[p] == second.num_tokens[other]) {
            match.rows.emplace_back(static_cast<std::int64_t>(p), found->second);
        } else {
            ++match.num_other_tokens;
        }
        rows_of_second.erase(found);
    }
    for (Key const& key : b) {
        if (rows_of_second.contains(key)) match.only_second.push_back(name_of(key));
    }
    return match;
}

SignalAgreement compare_signals(AnalysisInput const& first, AnalysisInput const& second, PromptMatch const& match) {
    Signals a = select(first, match, [](auto const& rows) { return rows.first; });
    Signals b = select(second, match, [](auto const& rows) { return rows.second; });
    drop_missing_losses(a, b);
    SignalAgreement out;
    out.num_cells = std::ssize(a.activation_counts.values);
    out.equal_cells = num_equal(a.activation_counts.values, b.activation_counts.values);
    out.num_scores = std::ssize(a.gradient_scores.values);
    out.equal_scores = num_equal(a.gradient_scores.values, b.gradient_scores.values);
    out.difference = difference(a, b);
    std::vector<std::string> names;
    std::map<std::string, std::vector<std::int64_t>> rows_of;
    for (std::size_t p = 0; p < match.rows.size(); ++p) {
        std::string const& group = first.groups[static_cast<std::size_t>(match.rows[p].first)];
        if (!rows_of.contains(group)) names.push_back(group);
        rows_of[group].push_back(static_cast<std::int64_t>(p));
    }
    NdArray<double> const shares_a = normalise_layers(a.activation_counts),
                          shares_b = normalise_layers(b.activation_counts);
    for (std::string const& name : names) {
        auto const& rows = rows_of[name];
        out.rank_correlations.push_back({name, correlation_of_means(shares_a, shares_b, rows),
                                         correlation_of_means(a.gradient_scores, b.gradient_scores, rows)});
    }
    return out;
}

}  // namespace gatesweep
