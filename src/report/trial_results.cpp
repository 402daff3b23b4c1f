#include "trial_results.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

constexpr std::array kinds = {"baseline", "selected", "random", "reverse", "bottom", "custom"};
constexpr std::array label_counts = {"full_refusal", "partial_refusal", "full_compliance", "incoherent",
                                     "unscored",     "empty",           "repetitive"};

// "7:5 12:1"
std::vector<ExpertId> read_experts(RunView const& run, CsvTable const& table, std::size_t row) {
    std::vector<ExpertId> experts;
    std::string const& text = table.text(row, "experts");
    char const* at = text.data();
    char const* const end = at + text.size();
    while (at != end) {
        ExpertId id{-1, -1};
        auto const layer = std::from_chars(at, end, id.layer);
        bool is_pair = layer.ec == std::errc() && layer.ptr != end && *layer.ptr == ':';
        if (is_pair) {
            auto const expert = std::from_chars(layer.ptr + 1, end, id.expert);
            is_pair = expert.ec == std::errc() && (expert.ptr == end || (*expert.ptr == ' ' && expert.ptr + 1 != end));
            at = expert.ptr == end ? end : expert.ptr + 1;
        }
        bool const is_inside = is_pair && run.holds(id);
        GATESWEEP_VALIDATE(is_inside, ExitCode::bad_data,
                           "{}: row {}: experts \"{}\" are not layer:expert pairs inside {} layers x {} experts: {}",
                           table.name, row + 1, printable(text), run.num_layers, run.num_experts, copy_again);
        experts.push_back(id);
    }
    return experts;
}

void check_counts(CsvTable const& table, std::size_t row, TrialResult const& result) {
    std::int64_t const judged = result.restricted + result.non_restricted;
    std::int64_t const pairs = result.r_to_r + result.r_to_n + result.n_to_r + result.n_to_n;
    bool const adds_up = judged <= result.num_prompts && pairs <= result.num_prompts &&
                         result.r_to_r + result.n_to_r <= result.restricted &&
                         result.r_to_n + result.n_to_n <= result.non_restricted;
    GATESWEEP_VALIDATE(adds_up, ExitCode::bad_data,
                       "{}: row {}: {} restricted and {} non-restricted, in pairs {} + {} + {} + {}, of {} prompts do "
                       "not add up: {}",
                       table.name, row + 1, result.restricted, result.non_restricted, result.r_to_r, result.r_to_n,
                       result.n_to_r, result.n_to_n, result.num_prompts, copy_again);
}

TrialResult read_result(RunView const& run, CsvTable const& table, std::size_t row) {
    TrialResult result;
    result.id = table.text(row, "trial_id");
    result.name = table.text(row, "name");
    result.kind = table.text(row, "kind");
    GATESWEEP_VALIDATE(std::ranges::find(kinds, result.kind) != kinds.end(), ExitCode::bad_data,
                       "{}: row {}: unknown kind \"{}\": {}", table.name, row + 1, printable(result.kind), copy_again);
    result.signal = table.text(row, "signal");
    result.expert_class = table.text(row, "class");
    result.gap_threshold = optional_number(table, row, "gap_threshold");
    result.edit = edit_of(table, row);
    result.experts = read_experts(run, table, row);
    result.matched_to = optional_text(table, row, "matched_to");
    check_group(run, table, row);
    result.group = table.text(row, "group");
    for (auto const& [column, count] : {std::pair{"num_prompts", &result.num_prompts},
                                        {"restricted", &result.restricted},
                                        {"non_restricted", &result.non_restricted},
                                        {"r_to_r", &result.r_to_r},
                                        {"r_to_n", &result.r_to_n},
                                        {"n_to_r", &result.n_to_r},
                                        {"n_to_n", &result.n_to_n}}) {
        *count = optional_count(table, row, column);
    }
    check_counts(table, row, result);
    for (auto const& [column, number] : {std::pair{"risk_difference", &result.difference},
                                         {"ci_low", &result.difference_low},
                                         {"ci_high", &result.difference_high},
                                         {"p_exact", &result.p_exact},
                                         {"p_mid", &result.p_mid},
                                         {"q_value", &result.q_value},
                                         {"perplexity_ratio", &result.perplexity_ratio},
                                         {"rate_low", &result.rate_low},
                                         {"rate_high", &result.rate_high},
                                         {"p_empirical", &result.p_empirical},
                                         {"mean_kl", &result.mean_kl},
                                         {"rate_corrected", &result.rate_corrected},
                                         {"rate_corrected_low", &result.rate_corrected_low},
                                         {"rate_corrected_high", &result.rate_corrected_high},
                                         {"traffic_removed", &result.traffic_removed}}) {
        *number = optional_number(table, row, column);
    }
    result.num_human = optional_count(table, row, "num_human");
    result.num_mixed = optional_count(table, row, "num_mixed");
    for (auto const* column : label_counts) {
        if (!optional_text(table, row, column).empty()) result.counts[column] = optional_count(table, row, column);
    }
    return result;
}

}  // namespace

void check_group(RunView const& run, CsvTable const& table, std::size_t row) {
    std::string const& group = table.text(row, "group");
    GATESWEEP_VALIDATE(std::ranges::find(run.groups, group) != run.groups.end(), ExitCode::bad_data,
                       "{}: row {}: group \"{}\" has no prompts in tables/prompts.csv: {}", table.name, row + 1,
                       printable(group), copy_again);
}

std::string optional_text(CsvTable const& table, std::size_t row, std::string_view column) {
    bool const is_there = std::ranges::find(table.header, column) != table.header.end();
    return is_there ? table.text(row, column) : std::string();
}

double optional_number(CsvTable const& table, std::size_t row, std::string_view column) {
    return optional_text(table, row, column).empty() ? not_measured : table.number(row, column);
}

std::int64_t optional_count(CsvTable const& table, std::size_t row, std::string_view column) {
    if (optional_text(table, row, column).empty()) return 0;
    std::int64_t const count = table.integer(row, column);
    GATESWEEP_VALIDATE(count >= 0, ExitCode::bad_data, "{}: row {}: {} is {} (a count): {}", table.name, row + 1,
                       column, count, copy_again);
    return count;
}

EditRule edit_of(CsvTable const& table, std::size_t row) {
    return {table.text(row, "mode"), optional_text(table, row, "scope"), optional_number(table, row, "dose")};
}

void read_results(RunView const& run, SweepView& sweep) {
    CsvTable const& table = run.table("trials");
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        TrialResult result = read_result(run, table, row);
        bool const is_new = sweep.places.emplace(std::pair{result.id, result.group}, row).second;
        GATESWEEP_VALIDATE(is_new, ExitCode::bad_data, "{}: row {}: trial {} stands on group \"{}\" a second time: {}",
                           table.name, row + 1, printable(result.id), printable(result.group), copy_again);
        sweep.ids.insert(result.id);
        sweep.results.push_back(std::move(result));
    }
    std::set<std::string> with_baseline;
    for (auto const& result : sweep.results) {
        if (result.kind == "baseline") with_baseline.insert(result.group);
    }
    for (auto const& result : sweep.results) {
        GATESWEEP_VALIDATE(with_baseline.contains(result.group), ExitCode::bad_data,
                           "{}: no baseline on group \"{}\" (every trial is compared with it): {}", table.name,
                           printable(result.group), copy_again);
        if (std::ranges::find(sweep.groups, result.group) == sweep.groups.end() &&
            std::ranges::find(sweep.side_groups, result.group) == sweep.side_groups.end()) {
            sweep.side_groups.push_back(result.group);
        }
    }
    for (auto const& group : sweep.groups) {
        GATESWEEP_VALIDATE(with_baseline.contains(group), ExitCode::bad_data,
                           "{}: no rows on group \"{}\", which [sweep] of job.toml names: {}", table.name,
                           printable(group), copy_again);
    }
    std::erase_if(sweep.side_groups, [&](std::string const& group) { return !with_baseline.contains(group); });
}

}  // namespace gatesweep
