// A run folder made up from a seed: tables with the columns of a real run, computed the plain way.
// Long: every part of its one subject stands here.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "gatesweep/store/csv.h"

namespace gatesweep::test {

struct SyntheticSpec {
    int num_layers = 4;
    int num_experts = 4;
    int top_k = 2;
    int prompts_per_group = 6;
    std::vector<std::string> groups = {"benign", "harmful"};  // the first two in the roles
    std::vector<std::pair<int, int>> marked;                  // (layer, expert), used more by the second group
    std::uint32_t seed = 1;
};

inline void write_text(std::filesystem::path const& path, std::string const& text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

inline std::string toml_string(std::string const& text) {
    std::string quoted = "\"";
    for (char const c : text)
        quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    return quoted + "\"";
}

class SyntheticRun {
public:
    SyntheticRun(std::filesystem::path folder, SyntheticSpec spec)
        : folder_(std::move(folder)), spec_(std::move(spec)) {
        make_signals();
        write_job();
        write_prompts();
        write_scores();
        write_coverage();
        write_layers();
        write_classes();
        write_marked();
    }

private:
    using Map = std::vector<double>;  // [L, E]
    struct Prompt {
        std::string group;
        int num_tokens = 0;
        double loss = 0.0;
        std::map<std::string, Map> scores;  // by signal
    };
    static constexpr char const* signals_[] = {"activation", "gradient", "gradient_share"};

    std::size_t at(int layer, int expert) const { return static_cast<std::size_t>(layer * spec_.num_experts + expert); }
    std::size_t num_cells() const { return static_cast<std::size_t>(spec_.num_layers * spec_.num_experts); }
    void save(std::string const& stem, CsvTable const& table) const {
        write_text(folder_ / "tables" / (stem + ".csv"), to_csv(table));
    }

    void make_signals() {
        std::mt19937 random(spec_.seed);
        std::normal_distribution<double> normal;
        Map base(num_cells());
        for (auto& bias : base)
            bias = 0.7 * normal(random);
        Map depth(num_cells());
        for (std::size_t i = 0; i < depth.size(); ++i) {
            double const layer = static_cast<double>(i / static_cast<std::size_t>(spec_.num_experts));
            depth[i] = 5e-5 * std::exp(4.5 * layer / spec_.num_layers + 0.5 * normal(random));
        }
        for (std::size_t group = 0; group < spec_.groups.size(); ++group) {
            for (int p = 0; p < spec_.prompts_per_group; ++p) {
                Prompt prompt{
                    spec_.groups[group], 12 + static_cast<int>(random() % 9) + 4 * static_cast<int>(group), 0.0, {}};
                prompt.loss = 2.0 + 0.3 * normal(random);
                Map bias = base;
                if (group == 1) {
                    for (auto const& [layer, expert] : spec_.marked)
                        bias[at(layer, expert)] += 2.5;
                }
                Map counts(num_cells());
                Map gradient(num_cells());
                for (int layer = 0; layer < spec_.num_layers; ++layer) {
                    for (int token = 0; token < prompt.num_tokens; ++token) {
                        std::vector<std::pair<double, int>> logits;
                        for (int expert = 0; expert < spec_.num_experts; ++expert) {
                            logits.emplace_back(-(bias[at(layer, expert)] + normal(random)), expert);
                        }
                        std::sort(logits.begin(), logits.end());
                        for (int k = 0; k < spec_.top_k; ++k)
                            counts[at(layer, logits[static_cast<std::size_t>(k)].second)] += 1;
                    }
                    for (int expert = 0; expert < spec_.num_experts; ++expert) {
                        double& count = counts[at(layer, expert)];
                        gradient[at(layer, expert)] =
                            count == 0 ? 0 : depth[at(layer, expert)] * (1 + 0.3 * std::abs(normal(random)));
                        count /= prompt.num_tokens * spec_.top_k;
                    }
                }
                prompt.scores = {{"activation", counts}, {"gradient", gradient}, {"gradient_share", share(gradient)}};
                prompts_.push_back(std::move(prompt));
            }
        }
    }

    Map mean_of(std::string const& signal, std::string const& group) const {
        Map mean(num_cells());
        for (auto const& prompt : prompts_) {
            if (prompt.group != group) continue;
            for (std::size_t i = 0; i < mean.size(); ++i)
                mean[i] += prompt.scores.at(signal)[i] / spec_.prompts_per_group;
        }
        return mean;
    }

    // Cells by falling score, ties by place.
    static std::vector<std::size_t> ranking(Map const& map) {
        std::vector<std::size_t> order(map.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return map[a] > map[b]; });
        return order;
    }

    void write_job() const {
        write_text(folder_ / "job.toml",
                   "[model]\npath = \"/models/made-up\"\ndtype = \"float32\"\n[analysis]\nbenign = " +
                       toml_string(spec_.groups[0]) + "\nmalicious = " + toml_string(spec_.groups[1]) +
                       "\ncoverage = [0.8, 0.9, 0.95]\ntop = 10\nactivation = { gap = 0.05, min = 0.08 }\n"
                       "gradient = { gap = 1e-4, min = 1e-4 }\n");
    }

    void write_prompts() const {
        CsvTable table{"prompts", {"prompt_index", "prompt_id", "group", "num_tokens", "loss"}, {}};
        for (std::size_t i = 0; i < prompts_.size(); ++i) {
            table.add(i, fmt::format("p{}", i), prompts_[i].group, prompts_[i].num_tokens, prompts_[i].loss);
        }
        save("prompts", table);
    }

    void write_scores() const {
        CsvTable scores{"expert_scores", {"signal", "group", "layer", "expert", "mean", "std"}, {}};
        CsvTable top{"top_experts",
                     {"signal", "group", "rank", "layer", "expert", "score", "cumulative_score", "cumulative_fraction"},
                     {}};
        CsvTable overlap{"overlap", {"signal", "top_n", "overlap", "experts"}, {}};
        for (std::string const signal : signals_) {
            std::vector<std::vector<std::size_t>> tops;
            for (auto const& group : spec_.groups) {
                Map const mean = mean_of(signal, group);
                double const total = std::accumulate(mean.begin(), mean.end(), 0.0);
                for (std::size_t i = 0; i < mean.size(); ++i) {
                    double variance = 0;
                    for (auto const& prompt : prompts_) {
                        if (prompt.group == group) variance += std::pow(prompt.scores.at(signal)[i] - mean[i], 2);
                    }
                    auto const experts = static_cast<std::size_t>(spec_.num_experts);
                    scores.add(signal, group, i / experts, i % experts, mean[i],
                               std::sqrt(variance / spec_.prompts_per_group));
                }
                std::vector<std::size_t> order = ranking(mean);
                order.resize(std::min<std::size_t>(10, order.size()));
                double sum = 0;
                for (std::size_t r = 0; r < order.size(); ++r) {
                    sum += mean[order[r]];
                    auto const experts = static_cast<std::size_t>(spec_.num_experts);
                    top.add(signal, group, r + 1, order[r] / experts, order[r] % experts, mean[order[r]], sum,
                            sum / total);
                }
                tops.push_back(std::move(order));
            }
            std::string shared;
            int num_shared = 0;
            for (std::size_t const cell : tops[0]) {
                if (std::find(tops[1].begin(), tops[1].end(), cell) == tops[1].end()) continue;
                auto const experts = static_cast<std::size_t>(spec_.num_experts);
                shared += fmt::format("{}{}:{}", num_shared++ ? " " : "", cell / experts, cell % experts);
            }
            overlap.add(signal, std::min<std::size_t>(10, num_cells()), num_shared, shared);
        }
        save("expert_scores", scores);
        save("top_experts", top);
        save("overlap", overlap);
    }

    static std::vector<double> coverage_of(Map const& map) {
        Map sorted = map;
        std::sort(sorted.rbegin(), sorted.rend());
        double const total = std::accumulate(sorted.begin(), sorted.end(), 0.0);
        std::vector<double> out;
        for (double const level : {0.8, 0.9, 0.95}) {
            double sum = 0;
            std::size_t k = 0;
            while (k < sorted.size() && sum < level * total)
                sum += sorted[k++];
            out.push_back(static_cast<double>(k));
        }
        std::size_t elbow = 1;
        for (std::size_t i = 1; i < sorted.size(); ++i) {
            if (sorted[i - 1] - sorted[i] > sorted[elbow - 1] - sorted[elbow]) elbow = i;
        }
        out.push_back(static_cast<double>(elbow));
        out.push_back(sorted[0]);
        out.push_back(std::accumulate(
            sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(5, sorted.size())),
            0.0));
        return out;
    }

    void write_coverage() const {
        CsvTable table{"coverage",
                       {"signal", "level", "group", "prompt_index", "k80", "k90", "k95", "k_elbow", "top1", "top5"},
                       {}};
        for (std::string const signal : signals_) {
            for (auto const& group : spec_.groups) {
                std::vector<double> mean(6);
                for (std::size_t p = 0; p < prompts_.size(); ++p) {
                    if (prompts_[p].group != group) continue;
                    auto const c = coverage_of(prompts_[p].scores.at(signal));
                    table.add(signal, "prompt", group, p, c[0], c[1], c[2], c[3], c[4], c[5]);
                    for (std::size_t i = 0; i < c.size(); ++i)
                        mean[i] += c[i] / spec_.prompts_per_group;
                }
                auto const c = coverage_of(mean_of(signal, group));
                table.add(signal, "group", group, "", c[0], c[1], c[2], c[3], c[4], c[5]);
                table.add(signal, "prompt_mean", group, "", mean[0], mean[1], mean[2], mean[3], mean[4], mean[5]);
            }
        }
        save("coverage", table);
    }

    struct LayerMetrics {
        int dominant_expert = 0;
        double dominant = 0, top2 = 0, entropy = 0, effective = 0, active = 0;
    };

    LayerMetrics metrics_of(Map const& map, int layer) const {
        LayerMetrics m;
        std::vector<double> row;
        for (int e = 0; e < spec_.num_experts; ++e)
            row.push_back(map[at(layer, e)]);
        m.dominant_expert = static_cast<int>(std::max_element(row.begin(), row.end()) - row.begin());
        double const total = std::accumulate(row.begin(), row.end(), 0.0);
        for (double const v : row) {
            if (v > 0) m.entropy -= v / total * std::log(v / total);
            m.active += v > 0 ? 1 : 0;
        }
        std::sort(row.rbegin(), row.rend());
        m.dominant = row[0];
        m.top2 = (row[0] + row[1]) / total;
        m.effective = std::exp(m.entropy);
        return m;
    }

    void write_layers() const {
        CsvTable table{"layers",
                       {"signal", "aggregator", "group", "layer", "dominant_expert", "dominant", "top2_sum", "entropy",
                        "effective_experts", "active_experts"},
                       {}};
        for (std::string const signal : signals_) {
            for (auto const& group : spec_.groups) {
                Map const mean = mean_of(signal, group);
                for (int layer = 0; layer < spec_.num_layers; ++layer) {
                    LayerMetrics sum;
                    for (auto const& prompt : prompts_) {
                        if (prompt.group != group) continue;
                        LayerMetrics const m = metrics_of(prompt.scores.at(signal), layer);
                        sum.dominant += m.dominant / spec_.prompts_per_group;
                        sum.top2 += m.top2 / spec_.prompts_per_group;
                        sum.entropy += m.entropy / spec_.prompts_per_group;
                        sum.effective += m.effective / spec_.prompts_per_group;
                        sum.active += m.active / spec_.prompts_per_group;
                    }
                    LayerMetrics const m = metrics_of(mean, layer);
                    table.add(signal, "mean_of_prompts", group, layer, m.dominant_expert, sum.dominant, sum.top2,
                              sum.entropy, sum.effective, sum.active);
                    table.add(signal, "of_mean_map", group, layer, m.dominant_expert, m.dominant, m.top2, m.entropy,
                              m.effective, m.active);
                }
            }
        }
        save("layers", table);
    }

    static std::string label_of(double benign, double malicious, double gap_limit, double min) {
        double const gap = malicious - benign;
        if (gap >= gap_limit) return malicious >= min ? "malicious-dominant" : "weak-malicious";
        if (gap <= -gap_limit) return benign >= min ? "benign-dominant" : "weak-benign";
        return "shared";
    }

    void write_classes() const {
        CsvTable counts{"class_counts", {"signal", "label", "count"}, {}};
        for (std::string const signal : signals_) {
            bool const is_share = signal != "gradient";
            std::string const suffix = is_share ? "_avg_score" : "_avg_grad";
            CsvTable table{
                signal,
                {"layer", "expert", "benign" + suffix, "malicious" + suffix, "safety_gap", "abs_gap", "label"},
                {}};
            Map const benign = mean_of(signal, spec_.groups[0]);
            Map const malicious = mean_of(signal, spec_.groups[1]);
            std::map<std::string, int> found;
            for (std::size_t i = 0; i < num_cells(); ++i) {
                std::string const label =
                    label_of(benign[i], malicious[i], is_share ? 0.05 : 1e-4, is_share ? 0.08 : 1e-4);
                ++found[label];
                auto const experts = static_cast<std::size_t>(spec_.num_experts);
                double const gap = malicious[i] - benign[i];
                table.add(i / experts, i % experts, benign[i], malicious[i], gap, std::abs(gap), label);
            }
            save("classes_" + signal, table);
            for (auto const* label :
                 {"malicious-dominant", "weak-malicious", "benign-dominant", "weak-benign", "shared", "uncertain"}) {
                counts.add(signal, label, found[label]);
            }
        }
        save("class_counts", counts);
    }

    Map share(Map map) const {
        for (int layer = 0; layer < spec_.num_layers; ++layer) {
            double total = 0;
            for (int e = 0; e < spec_.num_experts; ++e)
                total += map[at(layer, e)];
            for (int e = 0; e < spec_.num_experts; ++e)
                map[at(layer, e)] /= total;
        }
        return map;
    }

    void write_marked() const {
        if (spec_.marked.empty()) return;
        CsvTable table{
            "marked_experts",
            {"signal", "layer", "expert", "benign_mean", "malicious_mean", "gap", "rank_by_abs_gap", "label"},
            {}};
        for (std::string const signal : signals_) {
            bool const is_share = signal != "gradient";
            Map const benign = mean_of(signal, spec_.groups[0]);
            Map const malicious = mean_of(signal, spec_.groups[1]);
            Map size(num_cells());
            for (std::size_t i = 0; i < size.size(); ++i)
                size[i] = std::abs(malicious[i] - benign[i]);
            auto const order = ranking(size);
            for (auto const& [layer, expert] : spec_.marked) {
                std::size_t const cell = at(layer, expert);
                auto const rank = std::find(order.begin(), order.end(), cell) - order.begin() + 1;
                std::string const label =
                    label_of(benign[cell], malicious[cell], is_share ? 0.05 : 1e-4, is_share ? 0.08 : 1e-4);
                table.add(signal, layer, expert, benign[cell], malicious[cell], malicious[cell] - benign[cell], rank,
                          label);
            }
        }
        save("marked_experts", table);
    }

    std::filesystem::path folder_;
    SyntheticSpec spec_;
    std::vector<Prompt> prompts_;
};

}  // namespace gatesweep::test
