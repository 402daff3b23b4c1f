// Tables of a made-up sweep, added to a run folder that SyntheticRun wrote: outcomes of every prompt are drawn from a
// seed, and every number is counted from them the plain way.
// Long: every part of its one subject stands here.
#pragma once

#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "report/synthetic_run.h"

namespace gatesweep::test {

struct SyntheticSweepSpec {
    std::string group = "harmful";  // generated on
    std::string side_group = "benign";
    std::vector<std::pair<int, int>> carriers;  // (layer, expert): each carries an equal part of the refusals
    std::vector<std::string> classes = {"malicious-dominant", "benign-dominant"};
    std::vector<int> sizes = {1, 2, 3};
    std::map<std::string, std::vector<double>> thresholds = {{"activation", {0.02, 0.05}}, {"gradient", {2e-6, 1e-5}}};
    int num_random = 3;
    bool with_screen = true;
    bool with_label_quality = true;
    std::string reply = "I can't help with that.";      // a refusal's text
    std::string answer = "Certainly: here is a poem.";  // any other reply's
    std::uint32_t seed = 1;
};

class SyntheticSweep {
public:
    SyntheticSweep(std::filesystem::path folder, SyntheticSweepSpec spec)
        : folder_(std::move(folder)), spec_(std::move(spec)), random_(spec_.seed) {
        prompts_ = read_csv(folder_ / "tables/prompts.csv");
        for (std::size_t i = 0; i < prompts_.rows.size(); ++i)
            ease_.push_back(static_cast<double>(random_()) / 4294967296.0);
        add("baseline", {"baseline", "", "", "", {}});
        plan_grid();
        plan_random();
        write_job();
        write_trials();
        write_cells();
        write_controls();
        write_transitions();
        write_completions();
        if (spec_.with_screen) write_screen();
        if (spec_.with_label_quality) {
            write_text(folder_ / "tables/label_quality.csv",
                       "method,version,source,num,true_positive,false_positive,false_negative,true_negative,precision,"
                       "precision_low,precision_high,recall,recall_low,recall_high,kappa,kappa_low,kappa_high,"
                       "exact_agreement\nphrases,v1-3f2a,people.csv,450,70,10,38,332,0.875,0.785,0.931,0.648,0.555,"
                       "0.732,0.675,0.59,0.75,0.88\n");
        }
    }

private:
    using Experts = std::vector<std::pair<int, int>>;
    struct Trial {
        std::string kind, signal, expert_class, threshold;
        Experts experts;
        int cells = 0;
        std::string matched_to = {};
    };

    static std::string text_of(Experts const& experts) {
        std::string text;
        for (auto const& [layer, expert] : experts)
            text += fmt::format("{}{}:{}", text.empty() ? "" : " ", layer, expert);
        return text;
    }

    void add(std::string const& id, Trial trial) { trials_.emplace_back(id, std::move(trial)); }

    // Experts of a class by falling size of the gap.
    Experts class_members(std::string const& signal, std::string const& expert_class, double threshold) const {
        CsvTable const table = read_csv(folder_ / ("tables/classes_" + signal + ".csv"));
        std::vector<std::pair<double, std::pair<int, int>>> members;
        double const sign = expert_class == "malicious-dominant" ? 1 : -1;
        for (std::size_t row = 0; row < table.rows.size(); ++row) {
            double const gap = sign * table.number(row, "safety_gap");
            if (gap >= threshold) {
                members.push_back(
                    {-gap,
                     {static_cast<int>(table.integer(row, "layer")), static_cast<int>(table.integer(row, "expert"))}});
            }
        }
        std::sort(members.begin(), members.end());
        Experts experts;
        for (auto const& [gap, expert] : members)
            experts.push_back(expert);
        return experts;
    }

    void plan_grid() {
        std::map<std::string, std::string> id_of_set;
        for (std::string const kind : {"selected", "reverse"}) {
            for (auto const& [signal, thresholds] : spec_.thresholds) {
                for (auto const& expert_class : spec_.classes) {
                    if (kind == "reverse" && expert_class != spec_.classes.back()) continue;
                    for (double const threshold : thresholds) {
                        for (int const size : spec_.sizes) {
                            Experts set = class_members(signal, expert_class, threshold);
                            set.resize(std::min(set.size(), static_cast<std::size_t>(size)));
                            std::sort(set.begin(), set.end());
                            auto const [entry, is_new] =
                                id_of_set.emplace(text_of(set), fmt::format("{:012x}", 0xabc000 + trials_.size()));
                            std::string outcome = is_new ? "trial" : "same as " + entry->second;
                            if (set.empty()) outcome = "no expert in the class";
                            if (is_new && !set.empty())
                                add(entry->second, {kind, signal, expert_class, fmt::format("{}", threshold), set});
                            for (auto& [id, trial] : trials_)
                                trial.cells += id == entry->second ? 1 : 0;
                            cells_.push_back({kind, signal, expert_class, to_cell(threshold), to_cell(size), "mask",
                                              "both", "", set.empty() ? "" : entry->second, outcome});
                        }
                    }
                }
            }
        }
        cells_.push_back({"selected", "activation", "shared", "0.02", "9", "mask", "both", "", "",
                          "refused: layer 1 would keep 1 of 4 experts, fewer than top-2"});
    }

    void plan_random() {
        std::map<std::size_t, std::string> by_size;
        for (auto const& [id, trial] : trials_) {
            if (trial.kind == "selected") by_size.emplace(trial.experts.size(), id);
        }
        CsvTable const shape = read_csv(folder_ / "tables/classes_activation.csv");
        for (auto const& [size, id] : by_size) {
            for (int i = 0; i < spec_.num_random; ++i) {
                std::set<std::pair<int, int>> set;
                while (set.size() < size) {
                    std::size_t const row = random_() % shape.rows.size();
                    std::pair<int, int> const expert{static_cast<int>(shape.integer(row, "layer")),
                                                     static_cast<int>(shape.integer(row, "expert"))};
                    set.insert(expert);
                }
                add(fmt::format("{:012x}", 0xdef000 + trials_.size()),
                    {"random", "", "", "", {set.begin(), set.end()}, 0, id});
            }
        }
    }

    void write_job() const {
        std::string job;
        {
            std::ifstream file(folder_ / "job.toml", std::ios::binary);
            job.assign(std::istreambuf_iterator<char>(file), {});
        }
        write_text(folder_ / "job.toml", job + "[sweep]\nprompts = [" + toml_string(spec_.group) +
                                             "]\nside_effects = [" + toml_string(spec_.side_group) +
                                             "]\nmax_new_tokens = 64\nlabels = { method = \"phrases\" }\n");
    }

    double refusal_share(Trial const& trial, std::string const& group) const {
        if (group == spec_.side_group) return 0.03;
        double carried = 0;
        for (auto const& carrier : spec_.carriers) {
            if (std::find(trial.experts.begin(), trial.experts.end(), carrier) != trial.experts.end())
                carried += 0.99 / static_cast<double>(spec_.carriers.size());
        }
        return 0.99 - carried;
    }

    std::vector<std::size_t> rows_of(std::string const& group) const {
        std::vector<std::size_t> rows;
        for (std::size_t row = 0; row < prompts_.rows.size(); ++row) {
            if (prompts_.text(row, "group") == group) rows.push_back(row);
        }
        return rows;
    }

    std::string label(Trial const& trial, std::string const& group, std::size_t row) const {
        if (ease_[row] >= refusal_share(trial, group)) return ease_[row] > 0.995 ? "incoherent" : "full_compliance";
        return row % 7 == 3 ? "partial_refusal" : "full_refusal";
    }
    static bool is_restricted(std::string const& label) { return label.ends_with("refusal"); }

    // Two-sided exact McNemar: twice the binomial tail of the discordant pairs.
    static double mcnemar(int b, int c) {
        double tail = 0;
        for (int i = 0; i <= std::min(b, c); ++i)
            tail += std::exp(std::lgamma(b + c + 1) - std::lgamma(i + 1) - std::lgamma(b + c - i + 1) -
                             (b + c) * std::log(2.0));
        return std::min(1.0, 2 * tail);
    }

    void write_trials() {
        CsvTable table{"trials",
                       {"trial_id",
                        "name",
                        "kind",
                        "signal",
                        "class",
                        "size",
                        "gap_threshold",
                        "mode",
                        "seed",
                        "experts",
                        "group",
                        "num_prompts",
                        "restricted",
                        "non_restricted",
                        "r_to_r",
                        "r_to_n",
                        "n_to_r",
                        "n_to_n",
                        "risk_difference",
                        "ci_low",
                        "ci_high",
                        "p_exact",
                        "p_mid",
                        "q_value",
                        "perplexity_ratio",
                        "scope",
                        "dose",
                        "num_experts",
                        "cells",
                        "matched_to",
                        "rate_low",
                        "rate_high",
                        "p_empirical",
                        "full_refusal",
                        "partial_refusal",
                        "full_compliance",
                        "incoherent",
                        "unscored",
                        "empty",
                        "repetitive",
                        "mean_kl",
                        "traffic_removed",
                        "experts_with_values"},
                       {}};
        Trial const baseline = trials_.front().second;
        for (auto const& [id, trial] : trials_) {
            for (auto const& group : {spec_.group, spec_.side_group}) {
                std::map<std::string, int> counts;
                int pairs[2][2] = {};
                for (std::size_t const row : rows_of(group)) {
                    std::string const now = label(trial, group, row);
                    ++counts[now];
                    ++pairs[is_restricted(label(baseline, group, row))][is_restricted(now)];
                }
                int const n = static_cast<int>(rows_of(group).size());
                int const restricted = counts["full_refusal"] + counts["partial_refusal"];
                double const rate = static_cast<double>(restricted) / n;
                double const difference = static_cast<double>(pairs[0][1] - pairs[1][0]) / n;
                double const half = 1.96 * std::sqrt(rate * (1 - rate) / n + 0.25 / n / n);
                bool const is_base = trial.kind == "baseline";
                auto const unless_base = [&](auto value) { return is_base ? std::string() : to_cell(value); };
                double const p = mcnemar(pairs[0][1], pairs[1][0]);
                difference_[{id, group}] = difference;
                rate_[{id, group}] = rate;
                table.add(id, is_base ? "baseline" : trial.kind + " " + text_of(trial.experts), trial.kind,
                          trial.signal, trial.expert_class, unless_base(trial.experts.size()), trial.threshold,
                          is_base ? "" : "mask", trial.kind == "random" ? "7" : "", text_of(trial.experts), group, n,
                          restricted, n - restricted, unless_base(pairs[1][1]), unless_base(pairs[1][0]),
                          unless_base(pairs[0][1]), unless_base(pairs[0][0]), unless_base(difference),
                          unless_base(std::max(-1.0, difference - half)), unless_base(std::min(1.0, difference + half)),
                          unless_base(p), unless_base(0.8 * p),
                          trial.kind == "selected" ? to_cell(std::min(1.0, 2 * p)) : "",
                          unless_base(1.0 + 0.004 * static_cast<double>(trial.experts.size())), "both", "",
                          trial.experts.size(), trial.cells, trial.matched_to, std::max(0.0, rate - half),
                          std::min(1.0, rate + half), trial.kind == "selected" ? "0.25" : "", counts["full_refusal"],
                          counts["partial_refusal"], counts["full_compliance"], counts["incoherent"], 0, 0, 1,
                          unless_base(0.002 * static_cast<double>(trial.experts.size())),
                          unless_base(0.01 * static_cast<double>(trial.experts.size())), text_of(trial.experts));
            }
        }
        save("trials", table);
    }

    void write_cells() const {
        save("trial_cells",
             {"trial_cells",
              {"kind", "signal", "class", "gap_threshold", "size", "mode", "scope", "dose", "trial_id", "outcome"},
              cells_});
    }

    void write_controls() const {
        CsvTable table{"controls",
                       {"group", "num_experts", "mode", "scope", "dose", "num_random", "mean_rate", "lowest_rate",
                        "highest_rate", "mean_difference", "lowest_difference", "highest_difference"},
                       {}};
        for (auto const& group : {spec_.group, spec_.side_group}) {
            std::map<std::size_t, std::vector<std::string>> ids;
            for (auto const& [id, trial] : trials_) {
                if (trial.kind == "random") ids[trial.experts.size()].push_back(id);
            }
            for (auto const& [size, of_size] : ids) {
                double rate[3] = {0, 2, -2};  // mean, lowest, highest
                double difference[3] = {0, 2, -2};
                for (auto const& id : of_size) {
                    for (auto const& [value, sums] :
                         {std::pair{rate_.at({id, group}), rate}, {difference_.at({id, group}), difference}}) {
                        sums[0] += value / static_cast<double>(of_size.size());
                        sums[1] = std::min(sums[1], value);
                        sums[2] = std::max(sums[2], value);
                    }
                }
                table.add(group, size, "mask", "both", "", of_size.size(), rate[0], rate[1], rate[2], difference[0],
                          difference[1], difference[2]);
            }
        }
        save("controls", table);
    }

    void write_transitions() const {
        CsvTable table{"transitions", {"trial_id", "group", "baseline", "trial", "count"}, {}};
        for (auto const& [id, trial] : trials_) {
            if (trial.kind == "baseline") continue;
            for (auto const& group : {spec_.group, spec_.side_group}) {
                std::map<std::pair<std::string, std::string>, int> counts;
                for (std::size_t const row : rows_of(group))
                    ++counts[{label(trials_.front().second, group, row), label(trial, group, row)}];
                for (auto const& [labels, count] : counts)
                    table.add(id, group, labels.first, labels.second, count);
            }
        }
        save("transitions", table);
    }

    static std::string json_string(std::string const& text) {
        std::string out = "\"";
        for (char const c : text) {
            if (c == '"' || c == '\\') out += '\\';
            out += c == '\n' ? std::string("\\n") : std::string(1, c);
        }
        return out + "\"";
    }

    void write_completions() const {
        std::string lines;
        for (auto const& [id, trial] : trials_) {
            for (auto const& group : {spec_.side_group, spec_.group}) {
                for (std::size_t const row : rows_of(group)) {
                    std::string const now = label(trial, group, row);
                    lines += fmt::format(
                        "{{\"trial_id\":\"{}\",\"group\":{},\"prompt_index\":{},\"prompt_id\":{},\"token_ids\":[1,2],"
                        "\"text\":{},\"finish_reason\":\"stop\",\"label\":\"{}\",\"label_source\":\"phrases\"{}}}\n",
                        id, json_string(group), row, json_string(prompts_.text(row, "prompt_id")),
                        json_string(is_restricted(now) ? spec_.reply : spec_.answer), now,
                        id == "baseline" ? ",\"prompt\":\"Asked <b>so</b>\"" : "");
                }
            }
        }
        write_text(folder_ / "completions.jsonl", lines);
    }

    // The change of the margin: -2 nats for a carrier, a little noise for others.
    void write_screen() {
        CsvTable table{"screen", {"layer", "expert", "group", "margin", "change"}, {}};
        CsvTable const shape = read_csv(folder_ / "tables/classes_activation.csv");
        for (std::size_t row = 0; row < shape.rows.size(); ++row) {
            std::pair<int, int> const expert{static_cast<int>(shape.integer(row, "layer")),
                                             static_cast<int>(shape.integer(row, "expert"))};
            bool const is_carrier =
                std::find(spec_.carriers.begin(), spec_.carriers.end(), expert) != spec_.carriers.end();
            double const change = (is_carrier ? -2.0 : 0.0) + 1e-3 * static_cast<double>(random_() % 1000) - 0.5;
            table.add(expert.first, expert.second, spec_.group, 3.0 + change, change);
        }
        save("screen", table);
    }

    void save(std::string const& stem, CsvTable const& table) const {
        write_text(folder_ / "tables" / (stem + ".csv"), to_csv(table));
    }

    std::filesystem::path folder_;
    SyntheticSweepSpec spec_;
    std::mt19937 random_;
    CsvTable prompts_;
    std::vector<double> ease_;                           // of each prompt: refused when below the share
    std::vector<std::pair<std::string, Trial>> trials_;  // by id
    std::vector<std::vector<std::string>> cells_;
    std::map<std::pair<std::string, std::string>, double> rate_, difference_;
};

}  // namespace gatesweep::test
