#include "gatesweep/model/lanes.h"

#include <map>
#include <numeric>
#include <utility>

namespace gatesweep {

Lanes::Lanes(std::span<Stem const> stems, std::span<Branch const> branches, RouterEdits const& edits)
    : stems_(stems), branches_(branches), edits_(edits) {
    std::vector<std::vector<std::int64_t>> of_stem(stems.size());
    for (std::size_t b = 0; b < branches.size(); ++b)
        of_stem[branches[b].stem].push_back(static_cast<std::int64_t>(b));
    for (std::size_t s = 0; s < stems.size(); ++s) {
        if (!of_stem[s].empty()) lanes_.push_back({static_cast<std::int64_t>(s), std::move(of_stem[s])});
    }
    pack_lanes();
}

Lanes::Treatment Lanes::treatment(std::int64_t branch, std::int64_t layer) const {
    auto const& [stem, variant] = branches_[branch];
    bool const has_generated = static_cast<std::int64_t>(stems_[stem].ids.size()) > stems_[stem].num_prompt_tokens;
    return {edits_.entry(variant, layer, Phase::prefill),
            has_generated ? edits_.entry(variant, layer, Phase::decode) : 0};
}

void Lanes::pack_lanes() {
    std::vector<std::vector<std::int32_t>> sequences;
    for (Lane const& lane : lanes_)
        sequences.emplace_back(stems_[lane.stem].ids.begin(), stems_[lane.stem].ids.end());
    batch_ = pack(sequences);
}

std::vector<std::int64_t> Lanes::split(std::int64_t layer) {
    std::vector<Lane> next;
    std::vector<std::size_t> parent;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
        std::map<Treatment, Lane> parts;
        for (std::int64_t branch : lanes_[i].branches) {
            Lane& part = parts.try_emplace(treatment(branch, layer), Lane{lanes_[i].stem, {}}).first->second;
            part.branches.push_back(branch);
        }
        for (auto& [treatment, part] : parts) {
            next.push_back(std::move(part));
            parent.push_back(i);
        }
    }
    if (next.size() == lanes_.size()) return {};
    std::vector<std::int64_t> rows;
    for (std::size_t i = 0; i < next.size(); ++i) {
        std::size_t const at = rows.size();
        rows.resize(at + stems_[next[i].stem].ids.size());
        std::iota(rows.begin() + static_cast<std::ptrdiff_t>(at), rows.end(), batch_.offsets[parent[i]]);
    }
    lanes_ = std::move(next);
    pack_lanes();
    return rows;
}

std::vector<std::int32_t> Lanes::entries(std::int64_t layer) const {
    std::vector<std::int32_t> entries;
    entries.reserve(static_cast<std::size_t>(batch_.num_tokens()));
    for (Lane const& lane : lanes_) {
        Treatment const t = treatment(lane.branches.front(), layer);
        std::int64_t const num_prompt = std::min(stems_[lane.stem].num_prompt_tokens, length(lane));
        entries.insert(entries.end(), static_cast<std::size_t>(num_prompt), t.prompt);
        entries.insert(entries.end(), static_cast<std::size_t>(length(lane) - num_prompt), t.generated);
    }
    return entries;
}

}  // namespace gatesweep
