// Every number of every table of a run, made again from arrays/*.npy and tables/prompts.csv by plain code of its own.
//
// It shares only the file readers with the program. Means are summed in prompt order in float64, as the contract says,
// so that ranks of equal scores agree; all else is computed another way.
// Long: every part of its one subject stands here.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "gatesweep/base/nd_array.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/store/npy.h"

namespace gatesweep::test {

struct RecomputeParameters {
    std::string benign = "benign", malicious = "harmful";
    std::vector<double> levels = {0.80, 0.90, 0.95};
    std::int64_t top = 10;
    std::map<std::string, std::pair<double, double>> limits = {
        {"activation", {0.05, 0.08}}, {"gradient", {1e-4, 1e-4}}, {"gradient_share", {0.05, 0.08}}};
};

class Recompute {
public:
    using Cell = std::variant<std::string, std::int64_t, double>;
    using Rows = std::vector<std::vector<Cell>>;

    Recompute(std::filesystem::path folder, RecomputeParameters parameters)
        : folder_(std::move(folder)), parameters_(std::move(parameters)) {
        auto const counts = read_npy<std::int64_t>(folder_ / "arrays/activation_counts.npy");
        auto const gradients = read_npy<double>(folder_ / "arrays/gradient_scores.npy");
        auto const prompts = read_csv(folder_ / "tables/prompts.csv");
        L_ = counts.shape.at(1);
        E_ = counts.shape.at(2);
        for (std::int64_t p = 0; p < counts.shape.at(0); ++p) {
            auto const group = prompts.text(static_cast<std::size_t>(p), "group");
            if (!rows_of_group_.contains(group)) groups_.push_back(group);
            rows_of_group_[group].push_back(p);
            Map activation, gradient, share;
            for (std::int64_t l = 0; l < L_; ++l) {
                std::int64_t count_sum = 0;
                double gradient_sum = 0;
                for (std::int64_t e = 0; e < E_; ++e)
                    count_sum += counts.at(p, l, e), gradient_sum += gradients.at(p, l, e);
                for (std::int64_t e = 0; e < E_; ++e) {
                    activation[{l, e}] = static_cast<double>(counts.at(p, l, e)) / static_cast<double>(count_sum);
                    gradient[{l, e}] = gradients.at(p, l, e);
                    share[{l, e}] = gradient_sum == 0 ? 0 : gradients.at(p, l, e) / gradient_sum;
                }
            }
            maps_["activation"].push_back(activation);
            maps_["gradient"].push_back(gradient);
            maps_["gradient_share"].push_back(share);
        }
        num_prompts_ = counts.shape.at(0);
    }

    // Cells that differ, each as "table row column: stored, expected".
    std::vector<std::string> differences() {
        wrong_.clear();
        check_prompts();
        check("expert_scores", "signal,group,layer,expert,mean,std", expert_scores());
        check("top_experts", "signal,group,rank,layer,expert,score,cumulative_score,cumulative_fraction",
              top_experts());
        check("coverage", "signal,level,group,prompt_index,k80,k90,k95,k_elbow,top1,top5" + more_level_columns(),
              coverage());
        check(
            "layers",
            "signal,aggregator,group,layer,dominant_expert,dominant,top2_sum,entropy,effective_experts,active_experts",
            layers());
        check("classes_activation", "layer,expert,benign_avg_score,malicious_avg_score,safety_gap,abs_gap,label",
              classes("activation"));
        check("classes_gradient", "layer,expert,benign_avg_grad,malicious_avg_grad,safety_gap,abs_gap,label",
              classes("gradient"));
        check("classes_gradient_share", "layer,expert,benign_avg_score,malicious_avg_score,safety_gap,abs_gap,label",
              classes("gradient_share"));
        check("class_counts", "signal,label,count", class_counts());
        check("overlap", "signal,top_n,overlap,experts", overlap());
        check("layer_summary",
              "signal,aggregator,group,block,first_layer,last_layer,mean_dominant,max_dominant,argmax_layer,mean_top2_"
              "sum,mean_entropy,"
              "mean_effective_experts,min_effective_experts,mean_active_experts",
              layer_summary());
        check("top_frequency", "signal,group,layer,expert,num_prompts_in_top,fraction", top_frequency());
        check("threshold_sensitivity", "signal,gap_threshold,min,label,count", threshold_sensitivity());
        if (std::filesystem::exists(folder_ / "tables/marked_experts.csv")) {
            check("marked_experts", "signal,layer,expert,benign_mean,malicious_mean,gap,rank_by_abs_gap,label",
                  marked_experts());
        }
        return wrong_;
    }
    std::int64_t num_cells() const { return num_cells_; }

private:
    using Id = std::pair<std::int64_t, std::int64_t>;
    using Map = std::map<Id, double>;
    using Ranking = std::vector<std::tuple<double, Id>>;  // (-score, id), sorted
    struct Layer {
        double dominant_expert = 0, dominant = 0, top2 = 0, entropy = 0, effective = 0, active = 0;
    };
    static inline std::vector<std::string> const signals = {"activation", "gradient", "gradient_share"};
    static inline std::vector<std::string> const aggregators = {"mean_of_prompts", "of_mean_map"};
    static inline std::vector<std::string> const labels = {"malicious-dominant", "weak-malicious", "benign-dominant",
                                                           "weak-benign",        "shared",         "uncertain"};

    Map mean(std::string const& signal, std::string const& group) const {
        Map sum;
        for (auto const p : rows_of_group_.at(group)) {
            for (auto const& [id, score] : maps_.at(signal)[static_cast<std::size_t>(p)])
                sum[id] += score;
        }
        for (auto& [id, score] : sum)
            score /= static_cast<double>(rows_of_group_.at(group).size());
        return sum;
    }
    static Ranking rank(Map const& map) {
        Ranking ranking;
        for (auto const& [id, score] : map)
            ranking.emplace_back(-score, id);
        std::sort(ranking.begin(), ranking.end());
        return ranking;
    }
    std::vector<Id> top_of(Map const& map) const {
        std::vector<Id> top;
        for (auto const& [score, id] : rank(map)) {
            if (std::ssize(top) < parameters_.top) top.push_back(id);
        }
        return top;
    }
    std::vector<double> all_levels() const {
        std::vector<double> levels = {0.80, 0.90, 0.95};
        for (double const level : parameters_.levels) {
            if (std::count(levels.begin(), levels.end(), level) == 0) levels.push_back(level);
        }
        return levels;
    }
    std::string more_level_columns() const {
        std::string names;
        for (std::size_t i = 3; i < all_levels().size(); ++i) {
            char text[40];
            std::snprintf(text, sizeof text, ",k%.10g", 100 * all_levels()[i]);
            names += text;
        }
        return names;
    }
    // k80 k90 k95 elbow top1 top5 and the other levels
    std::vector<double> cover(Map const& map) const {
        auto const ranking = rank(map);
        long double total = 0;
        for (auto const& [negative, id] : ranking)
            total -= negative;
        auto const k_of = [&](double level) -> double {
            long double sum = 0;
            std::int64_t k = 0;
            while (total > 0 && sum < (level - 1e-12L) * total)
                sum -= std::get<0>(ranking[static_cast<std::size_t>(k++)]);
            return static_cast<double>(k);
        };
        double elbow = 0, largest = 0, top5 = 0;
        for (std::size_t i = 1; i < ranking.size() && total > 0; ++i) {
            double const drop = std::get<0>(ranking[i]) - std::get<0>(ranking[i - 1]);
            if (elbow == 0 || drop > largest - 1e-12 * std::get<0>(ranking[0]))
                elbow = static_cast<double>(i), largest = drop;
        }
        for (std::size_t i = 0; i < std::min<std::size_t>(5, ranking.size()); ++i)
            top5 -= std::get<0>(ranking[i]);
        std::vector<double> numbers = {k_of(0.80), k_of(0.90), k_of(0.95), elbow, -std::get<0>(ranking[0]), top5};
        for (std::size_t i = 3; i < all_levels().size(); ++i)
            numbers.push_back(k_of(all_levels()[i]));
        return numbers;
    }
    Layer layer_of(Map const& map, std::int64_t l) const {
        Layer layer;
        std::vector<std::pair<double, double>> scores;  // (score, -expert)
        long double sum = 0;
        for (std::int64_t e = 0; e < E_; ++e) {
            scores.emplace_back(map.at({l, e}), -static_cast<double>(e));
            sum += map.at({l, e});
        }
        if (sum == 0) return layer;
        std::sort(scores.rbegin(), scores.rend());
        layer.dominant = scores[0].first;
        layer.dominant_expert = -scores[0].second;
        layer.top2 = static_cast<double>((scores[0].first + (E_ > 1 ? scores[1].first : 0.0L)) / sum);
        long double entropy = 0;
        for (auto const& [score, expert] : scores) {
            if (score > 0) entropy += score / sum * std::log(sum / score), layer.active += 1;
        }
        layer.entropy = static_cast<double>(entropy);
        layer.effective = static_cast<double>(std::exp(entropy));
        return layer;
    }
    Layer layer_of_group(std::string const& signal, std::string const& aggregator, std::string const& group,
                         std::int64_t l) const {
        Layer layer = layer_of(mean(signal, group), l);
        if (aggregator == "of_mean_map") return layer;
        double const expert = layer.dominant_expert;
        layer = {};
        auto const n = static_cast<double>(rows_of_group_.at(group).size());
        for (auto const p : rows_of_group_.at(group)) {
            Layer const one = layer_of(maps_.at(signal)[static_cast<std::size_t>(p)], l);
            layer.dominant += one.dominant, layer.top2 += one.top2, layer.entropy += one.entropy;
            layer.effective += one.effective, layer.active += one.active;
        }
        for (double* number : {&layer.dominant, &layer.top2, &layer.entropy, &layer.effective, &layer.active})
            *number /= n;
        layer.dominant_expert = expert;
        return layer;
    }
    static std::string label_of(double benign, double malicious, double gap, double min) {
        if (std::isnan(benign) || std::isnan(malicious)) return "uncertain";
        if (malicious - benign >= gap) return malicious < min ? "weak-malicious" : "malicious-dominant";
        if (malicious - benign <= -gap) return benign < min ? "weak-benign" : "benign-dominant";
        return "shared";
    }

    Rows expert_scores() const {
        Rows rows;
        for (auto const& signal : signals) {
            for (auto const& group : groups_) {
                auto const& prompts = rows_of_group_.at(group);
                for (auto const& [id, m] : mean(signal, group)) {
                    long double squares = 0;
                    for (auto const p : prompts) {
                        long double const deviation = maps_.at(signal)[static_cast<std::size_t>(p)].at(id) - m;
                        squares += deviation * deviation;
                    }
                    double const std =
                        prompts.size() < 2
                            ? 0
                            : static_cast<double>(std::sqrt(squares / static_cast<double>(prompts.size() - 1)));
                    rows.push_back({signal, group, id.first, id.second, m, std});
                }
            }
        }
        return rows;
    }
    Rows top_experts() const {
        Rows rows;
        for (auto const& signal : signals) {
            for (auto const& group : groups_) {
                auto const ranking = rank(mean(signal, group));
                double total = 0, sum = 0;
                for (auto const& [negative, id] : ranking)
                    total -= negative;
                for (std::size_t i = 0; i < ranking.size() && static_cast<std::int64_t>(i) < parameters_.top; ++i) {
                    auto const& [negative, id] = ranking[i];
                    sum -= negative;
                    rows.push_back({signal, group, static_cast<std::int64_t>(i) + 1, id.first, id.second, -negative,
                                    sum, total > 0 ? sum / total : 0.0});
                }
            }
        }
        return rows;
    }
    Rows coverage() const {
        Rows rows;
        for (auto const& signal : signals) {
            for (auto const& group : groups_) {
                auto const& prompts = rows_of_group_.at(group);
                std::vector<double> sums;
                auto const add = [&](std::string const& level, Cell const& prompt, std::vector<double> const& numbers) {
                    rows.push_back({signal, level, group, prompt});
                    for (double const number : numbers)
                        rows.back().emplace_back(number);
                };
                for (auto const p : prompts) {
                    auto const numbers = cover(maps_.at(signal)[static_cast<std::size_t>(p)]);
                    sums.resize(numbers.size());
                    for (std::size_t i = 0; i < numbers.size(); ++i)
                        sums[i] += numbers[i];
                    add("prompt", p, numbers);
                }
                add("group", std::string(), cover(mean(signal, group)));
                for (double& sum : sums)
                    sum /= static_cast<double>(prompts.size());
                add("prompt_mean", std::string(), sums);
            }
        }
        return rows;
    }
    Rows layers() const {
        Rows rows;
        for (auto const& signal : signals) {
            for (auto const& aggregator : aggregators) {
                for (auto const& group : groups_) {
                    for (std::int64_t l = 0; l < L_; ++l) {
                        Layer const m = layer_of_group(signal, aggregator, group, l);
                        rows.push_back({signal, aggregator, group, l, static_cast<std::int64_t>(m.dominant_expert),
                                        m.dominant, m.top2, m.entropy, m.effective, m.active});
                    }
                }
            }
        }
        return rows;
    }
    Rows layer_summary() const {
        Rows rows;
        for (auto const& signal : signals) {
            for (auto const& aggregator : aggregators) {
                for (auto const& group : groups_) {
                    for (auto const& [block, first] :
                         {std::pair{"all", std::int64_t{0}}, {"late", L_ - std::max<std::int64_t>(1, L_ / 4)}}) {
                        Layer sum;
                        double maximum = -1, minimum = 1e300;
                        std::int64_t where = 0;
                        for (std::int64_t l = first; l < L_; ++l) {
                            Layer const m = layer_of_group(signal, aggregator, group, l);
                            sum.dominant += m.dominant, sum.top2 += m.top2, sum.entropy += m.entropy;
                            sum.effective += m.effective, sum.active += m.active;
                            if (m.dominant > maximum) maximum = m.dominant, where = l;
                            minimum = std::min(minimum, m.effective);
                        }
                        auto const n = static_cast<double>(L_ - first);
                        rows.push_back({signal, aggregator, group, std::string(block), first, L_ - 1, sum.dominant / n,
                                        maximum, where, sum.top2 / n, sum.entropy / n, sum.effective / n, minimum,
                                        sum.active / n});
                    }
                }
            }
        }
        return rows;
    }
    Rows classes(std::string const& signal) const {
        Rows rows;
        auto const [gap, min] = parameters_.limits.at(signal);
        auto const malicious = mean(signal, parameters_.malicious);
        for (auto const& [id, b] : mean(signal, parameters_.benign)) {
            double const m = malicious.at(id);
            rows.push_back({id.first, id.second, b, m, m - b, std::abs(m - b), label_of(b, m, gap, min)});
        }
        return rows;
    }
    Rows class_counts() const {
        Rows rows;
        for (auto const& signal : signals) {
            auto const experts = classes(signal);
            for (auto const& label : labels) {
                rows.push_back({signal, label, std::count_if(experts.begin(), experts.end(), [&](auto const& row) {
                                    return row[6] == Cell(label);
                                })});
            }
        }
        return rows;
    }
    Rows overlap() const {
        Rows rows;
        for (auto const& signal : signals) {
            auto const a = top_of(mean(signal, parameters_.benign)), b = top_of(mean(signal, parameters_.malicious));
            std::string experts;
            std::int64_t count = 0;
            for (std::int64_t l = 0; l < L_; ++l) {
                for (std::int64_t e = 0; e < E_; ++e) {
                    if (std::count(a.begin(), a.end(), Id{l, e}) + std::count(b.begin(), b.end(), Id{l, e}) < 2)
                        continue;
                    experts += (count++ == 0 ? "" : " ") + std::to_string(l) + ":" + std::to_string(e);
                }
            }
            rows.push_back({signal, parameters_.top, count, experts});
        }
        return rows;
    }
    Rows top_frequency() const {
        Rows rows;
        for (auto const& signal : signals) {
            for (auto const& group : groups_) {
                std::map<Id, std::int64_t> found;
                auto const& prompts = rows_of_group_.at(group);
                for (auto const p : prompts) {
                    for (Id const& id : top_of(maps_.at(signal)[static_cast<std::size_t>(p)]))
                        ++found[id];
                }
                for (auto const& [id, m] : mean(signal, group)) {
                    rows.push_back({signal, group, id.first, id.second, found[id],
                                    static_cast<double>(found[id]) / static_cast<double>(prompts.size())});
                }
            }
        }
        return rows;
    }
    Rows threshold_sensitivity() const {
        Rows rows;
        for (auto const& signal : signals) {
            auto const [gap, min] = parameters_.limits.at(signal);
            auto const benign = mean(signal, parameters_.benign), malicious = mean(signal, parameters_.malicious);
            for (double const factor : {0.5, 1.0, 1.5, 2.0}) {
                for (auto const& label : labels) {
                    std::int64_t count = 0;
                    for (auto const& [id, b] : benign)
                        count += label_of(b, malicious.at(id), factor * gap, min) == label;
                    rows.push_back({signal, factor * gap, min, label, count});
                }
            }
        }
        return rows;
    }
    // Which experts are marked is the user's choice, so it is taken from the table; what is said of them is not.
    Rows marked_experts() const {
        Rows rows;
        auto const table = read_csv(folder_ / "tables/marked_experts.csv");
        std::size_t row = 0;
        for (auto const& signal : signals) {
            auto const benign = mean(signal, parameters_.benign), malicious = mean(signal, parameters_.malicious);
            for (std::size_t i = 0; i < table.rows.size() / 3; ++i, ++row) {
                Id const id = {table.integer(row, "layer"), table.integer(row, "expert")};
                double const b = benign.at(id), m = malicious.at(id);
                std::int64_t ahead = 0;
                for (auto const& [other, score] : benign) {
                    double const gap = std::abs(malicious.at(other) - score);
                    ahead += gap > std::abs(m - b) || (gap == std::abs(m - b) && other < id);
                }
                auto const [limit, min] = parameters_.limits.at(signal);
                std::string const label = label_of(b, m, limit, min);
                rows.push_back({signal, id.first, id.second, b, m, m - b, ahead + 1, label});
            }
        }
        return rows;
    }

    void check_prompts() {
        auto const table = read_csv(folder_ / "tables/prompts.csv");
        if (table.header != std::vector<std::string>{"prompt_index", "prompt_id", "group", "num_tokens", "loss"})
            wrong_.push_back("prompts: header");
        if (std::ssize(table.rows) != num_prompts_) wrong_.push_back("prompts: number of rows");
        auto const counts = read_npy<std::int64_t>(folder_ / "arrays/activation_counts.npy");
        for (std::int64_t p = 0; p < num_prompts_; ++p) {
            auto const row = static_cast<std::size_t>(p);
            if (table.integer(row, "prompt_index") != p) wrong_.push_back("prompts: index of row " + std::to_string(p));
            std::int64_t sum = 0, all = 0, all_tokens = 0;
            for (std::int64_t e = 0; e < E_; ++e)
                sum += counts.at(p, 0, e), all += counts.at(0, 0, e);
            all_tokens = table.integer(0, "num_tokens");
            // The number of experts per token is one number for the run.
            if (sum * all_tokens != all * table.integer(row, "num_tokens"))
                wrong_.push_back("prompts: tokens of row " + std::to_string(p));
        }
    }

    void check(std::string const& name, std::string const& header, Rows const& expected) {
        auto const table = read_csv(folder_ / "tables" / (name + ".csv"));
        std::string stored_header;
        for (auto const& column : table.header)
            stored_header += (stored_header.empty() ? "" : ",") + column;
        if (stored_header != header) wrong_.push_back(name + ": header " + stored_header + ", expected " + header);
        if (table.rows.size() != expected.size()) {
            wrong_.push_back(name + ": " + std::to_string(table.rows.size()) + " rows, expected " +
                             std::to_string(expected.size()));
        }
        for (std::size_t r = 0; r < std::min(table.rows.size(), expected.size()); ++r) {
            for (std::size_t c = 0; c < expected[r].size(); ++c) {
                ++num_cells_;
                std::string const stored = c < table.rows[r].size() ? table.rows[r][c] : "(none)";
                std::string const wanted = text(expected[r][c]);
                if (stored == wanted) continue;
                if (auto const* number = std::get_if<double>(&expected[r][c])) {
                    char* end = nullptr;
                    double const value = std::strtod(stored.c_str(), &end);
                    bool const is_number = end != stored.c_str() && *end == '\0';
                    if (is_number && std::abs(value - *number) <= 1e-11 * std::abs(*number) + 1e-18) continue;
                }
                wrong_.push_back(name + " row " + std::to_string(r + 1) + " column " + std::to_string(c + 1) + ": " +
                                 stored + ", expected " + wanted);
            }
        }
    }
    static std::string text(Cell const& cell) {
        if (auto const* words = std::get_if<std::string>(&cell)) return *words;
        if (auto const* integer = std::get_if<std::int64_t>(&cell)) return std::to_string(*integer);
        char digits[40];
        std::snprintf(digits, sizeof digits, "%.17g", std::get<double>(cell));
        return digits;
    }

    std::filesystem::path folder_;
    RecomputeParameters parameters_;
    std::int64_t L_ = 0, E_ = 0, num_prompts_ = 0, num_cells_ = 0;
    std::vector<std::string> groups_;
    std::map<std::string, std::vector<std::int64_t>> rows_of_group_;
    std::map<std::string, std::vector<Map>> maps_;  // by signal, then prompt
    std::vector<std::string> wrong_;
};

}  // namespace gatesweep::test
