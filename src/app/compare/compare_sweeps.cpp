#include "compare_sweeps.h"

#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <set>

#include "gatesweep/base/digest.h"
#include "gatesweep/store/completions.h"
#include "gatesweep/store/csv.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

using TrialGroup = std::pair<std::string, std::string>;
using Answer = std::pair<std::string, std::int64_t>;  // trial, row of the match

// A sweep of many trials is gigabytes; its labels and digests of its tokens are not.
struct Brief {
    std::string label;
    std::string tokens;
};

double rate_of_row(CsvTable const& trials, std::size_t row) {
    auto const refused = static_cast<double>(trials.integer(row, "restricted"));
    double const judged = refused + static_cast<double>(trials.integer(row, "non_restricted"));
    return judged == 0.0 ? std::numeric_limits<double>::quiet_NaN() : refused / judged;
}

std::set<std::string> ids_of(CsvTable const& trials) {
    std::set<std::string> ids;
    for (std::size_t row = 0; row < trials.rows.size(); ++row)
        ids.insert(trials.text(row, "trial_id"));
    return ids;
}

Brief brief_of(StoredCompletion const& completion) {
    FastDigest tokens;
    for (std::int64_t id : completion.token_ids)
        tokens.add(std::to_string(id)).add(" ");
    return {completion.label, tokens.hex()};
}

std::map<Answer, Brief> answers_of(fs::path const& folder, std::map<std::int64_t, std::int64_t> const& match_of_row) {
    std::map<Answer, Brief> answers;
    for_each_completion(folder / completions_name, [&](StoredCompletion const& completion) {
        auto const matched = match_of_row.find(completion.prompt_index);
        if (matched != match_of_row.end()) answers[{completion.trial_id, matched->second}] = brief_of(completion);
    });
    return answers;
}

bool same_rate(double a, double b) {
    return a == b || (std::isnan(a) && std::isnan(b));
}

}  // namespace

std::int64_t SweepAgreement::num_common() const {
    std::set<std::string> ids;
    for (TrialPair const& pair : pairs)
        ids.insert(pair.id);
    return std::ssize(ids);
}

bool SweepAgreement::is_equal() const {
    for (TrialPair const& pair : pairs) {
        if (!same_rate(pair.first_rate, pair.second_rate)) return false;
    }
    return only_first == 0 && only_second == 0 && equal_labels == num_answers && equal_tokens == num_answers;
}

SweepAgreement compare_sweeps(fs::path const& first, fs::path const& second, PromptMatch const& match) {
    CsvTable const a = read_csv(first / "tables" / "trials.csv"), b = read_csv(second / "tables" / "trials.csv");
    SweepAgreement out;
    auto const ids_a = ids_of(a), ids_b = ids_of(b);
    for (auto const& id : ids_a)
        out.only_first += !ids_b.contains(id);
    for (auto const& id : ids_b)
        out.only_second += !ids_a.contains(id);

    std::map<TrialGroup, std::size_t> rows_b;
    for (std::size_t row = 0; row < b.rows.size(); ++row)
        rows_b[{b.text(row, "trial_id"), b.text(row, "group")}] = row;
    std::map<TrialGroup, std::size_t> pair_of;
    for (std::size_t row = 0; row < a.rows.size(); ++row) {
        TrialGroup const key = {a.text(row, "trial_id"), a.text(row, "group")};
        auto const found = rows_b.find(key);
        if (found == rows_b.end()) continue;
        pair_of[key] = out.pairs.size();
        out.pairs.push_back(
            {key.first, a.text(row, "name"), key.second, rate_of_row(a, row), rate_of_row(b, found->second)});
    }

    std::map<std::int64_t, std::int64_t> match_of_first, match_of_second;
    for (std::size_t m = 0; m < match.rows.size(); ++m) {
        match_of_first[match.rows[m].first] = static_cast<std::int64_t>(m);
        match_of_second[match.rows[m].second] = static_cast<std::int64_t>(m);
    }
    auto const answers = answers_of(first, match_of_first);
    for_each_completion(second / completions_name, [&](StoredCompletion const& completion) {
        auto const matched = match_of_second.find(completion.prompt_index);
        if (matched == match_of_second.end()) return;
        auto const other = answers.find({completion.trial_id, matched->second});
        auto const pair = pair_of.find({completion.trial_id, completion.group});
        if (other == answers.end() || pair == pair_of.end()) return;
        Brief const brief = brief_of(completion);
        TrialPair& trial = out.pairs[pair->second];
        std::int64_t const labels = brief.label == other->second.label, tokens = brief.tokens == other->second.tokens;
        ++trial.num_answers;
        trial.equal_labels += labels;
        trial.equal_tokens += tokens;
        ++out.num_answers;
        out.equal_labels += labels;
        out.equal_tokens += tokens;
    });
    return out;
}

}  // namespace gatesweep
