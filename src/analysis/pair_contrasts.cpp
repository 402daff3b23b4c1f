#include "gatesweep/analysis/pair_contrasts.h"

#include <algorithm>
#include <map>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

// Adds tokens to one side of a contrast.
class Adder {
public:
    Adder(MeasuredPairs const& shape, std::string name) : shape_(shape) {
        contrast_.name = std::move(name);
        for (auto& chosen : contrast_.chosen)
            chosen.assign(static_cast<std::size_t>(shape.num_layers * shape.num_experts), 0.0);
    }

    void add(std::size_t side, CountedTokens const& tokens, std::int64_t token, double weight = 1.0) {
        contrast_.num_tokens[side] += weight;
        for (std::int64_t row = 0; row < shape_.num_layers; ++row) {
            for (std::uint16_t const expert : tokens.experts_of(row, token))
                contrast_.chosen[side][static_cast<std::size_t>(row * shape_.num_experts + expert)] += weight;
        }
    }
    void add_first(std::size_t side, CountedTokens const& tokens, std::int64_t num) {
        for (std::int64_t t = 0; t < num; ++t)
            add(side, tokens, t);
    }
    Contrast take() { return std::move(contrast_); }

private:
    MeasuredPairs const& shape_;
    Contrast contrast_;
};

Contrast length_matched(MeasuredPairs const& measured, NamedPairs const& of) {
    Adder adder(measured, "length-matched");
    for (MeasuredPair const& pair : of.pairs) {
        std::int64_t const num = std::min(pair.counted[0].size(), pair.counted[1].size());
        for (std::size_t side = 0; side < 2; ++side)
            adder.add_first(side, pair.counted[side], num);
    }
    return adder.take();
}

Contrast equal_token(MeasuredPairs const& measured, NamedPairs const& of) {
    std::map<std::int32_t, std::array<std::int64_t, 2>> counts;
    for (MeasuredPair const& pair : of.pairs) {
        for (std::size_t side = 0; side < 2; ++side) {
            for (std::int32_t const id : pair.counted[side].ids)
                ++counts[id][side];
        }
    }
    Adder adder(measured, "equal-token");
    for (MeasuredPair const& pair : of.pairs) {
        for (std::size_t side = 0; side < 2; ++side) {
            CountedTokens const& tokens = pair.counted[side];
            for (std::int64_t t = 0; t < tokens.size(); ++t) {
                auto const& count = counts.at(tokens.ids[static_cast<std::size_t>(t)]);
                std::int64_t const weight = std::min(count[0], count[1]);
                if (weight > 0)
                    adder.add(side, tokens, t, static_cast<double>(weight) / static_cast<double>(count[side]));
            }
        }
    }
    Contrast contrast = adder.take();
    // Exactly, whatever the sums of their parts were rounded to.
    double total = 0.0;
    for (auto const& [id, count] : counts)
        total += static_cast<double>(std::min(count[0], count[1]));
    contrast.num_tokens = {total, total};
    return contrast;
}

Contrast halves(MeasuredPairs const& measured, NamedPairs const& of, std::size_t side) {
    Adder adder(measured, side == 0 ? "halves-0" : "halves-1");
    for (std::size_t p = 0; p < of.pairs.size(); ++p)
        adder.add_first(p % 2, of.pairs[p].counted[side], of.pairs[p].counted[side].size());
    return adder.take();
}

}  // namespace

std::vector<double> Contrast::differences() const {
    std::vector<double> out(chosen[0].size());
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = difference(i);
    return out;
}

std::vector<NamedPairs> by_name(MeasuredPairs const& measured) {
    std::vector<NamedPairs> out;
    std::span<MeasuredPair const> const all = measured.pairs;
    for (std::size_t begin = 0; begin < all.size();) {
        std::size_t end = begin;
        while (end < all.size() && all[end].name == all[begin].name)
            ++end;
        out.push_back({all[begin].name, all.subspan(begin, end - begin)});
        begin = end;
    }
    return out;
}

Contrast whole_contrast(MeasuredPairs const& measured, NamedPairs const& pairs) {
    Adder adder(measured, "all");
    for (MeasuredPair const& pair : pairs.pairs) {
        for (std::size_t side = 0; side < 2; ++side)
            adder.add_first(side, pair.counted[side], pair.counted[side].size());
    }
    return adder.take();
}

std::vector<Contrast> control_contrasts(MeasuredPairs const& measured, NamedPairs const& pairs) {
    std::vector<Contrast> out = {length_matched(measured, pairs), equal_token(measured, pairs),
                                 halves(measured, pairs, 0), halves(measured, pairs, 1)};
    std::erase_if(out, [](Contrast const& contrast) { return contrast.is_empty(); });
    return out;
}

PairInput pair_input(MeasuredPairs const& measured) {
    PairInput out;
    out.counts = NdArray<std::int64_t>({std::ssize(measured.pairs), 2, measured.num_layers, measured.num_experts});
    std::size_t begin = 0;
    for (MeasuredPair const& pair : measured.pairs) {
        out.names.push_back(pair.name);
        out.counted.push_back({pair.counted[0].size(), pair.counted[1].size()});
        for (CountedTokens const& tokens : pair.counted) {
            for (std::int64_t row = 0; row < measured.num_layers; ++row) {
                for (std::int64_t t = 0; t < tokens.size(); ++t) {
                    for (std::uint16_t const expert : tokens.experts_of(row, t))
                        ++out.counts.values[begin + expert];
                }
                begin += static_cast<std::size_t>(measured.num_experts);
            }
        }
    }
    return out;
}

}  // namespace gatesweep
