#include "gatesweep/analysis/audit_pairs.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/uniform.h"

namespace gatesweep {
namespace {

constexpr std::uint64_t cross_topic_seed = 20260531;
// Apart from the streams of groups (providers/provider_context.cpp) and of [[pairs]] (risk_difference.cpp).
constexpr std::uint64_t first_audit_stream = 64;

// Prompts by a column's value, values in the order in which the prompts name them.
struct ByValue {
    std::vector<std::string> values;
    std::vector<std::vector<std::int64_t>> prompts;

    std::vector<std::int64_t>& of(std::string const& value) {
        auto const found = std::ranges::find(values, value);
        if (found != values.end()) return prompts[static_cast<std::size_t>(found - values.begin())];
        values.push_back(value);
        return prompts.emplace_back();
    }
};

// The column of the audit that the job calls `key`.
struct Column {
    std::string_view name, key;
    std::size_t index = 0;
};

Column column_of(AuditPrompts const& in, std::string_view key, std::string_view name, std::string_view who) {
    auto const& columns = in.metadata.columns;
    auto const found = std::ranges::find(columns, name);
    GATESWEEP_VALIDATE(found != columns.end(), ExitCode::job,
                       "[audit] {} = \"{}\": the prompt files have no such column beside the prompts, and {} needs it "
                       "(they have {}): name one of them, add the column, or leave {} out",
                       key, printable(name), who,
                       columns.empty() ? "none" : printable(fmt::format("{}", fmt::join(columns, ", ")), 300), who);
    return {name, key, static_cast<std::size_t>(found - columns.begin())};
}

std::string const& value_of(AuditPrompts const& in, Column const& column, std::int64_t prompt) {
    return in.metadata.rows[static_cast<std::size_t>(prompt)][column.index];
}

ByValue by_value(AuditPrompts const& in, Column const& column, std::span<std::int64_t const> prompts,
                 std::string_view who) {
    ByValue out;
    for (std::int64_t const p : prompts) {
        std::string const& value = value_of(in, column, p);
        auto const at = static_cast<std::size_t>(p);
        GATESWEEP_VALIDATE(!value.empty(), ExitCode::job,
                           "[audit] {} = \"{}\": prompt {} of group {} has nothing in this column, and {} needs it: "
                           "give every prompt of the two groups a value",
                           column.key, printable(column.name), printable(in.ids[at]), printable(in.groups[at]), who);
        out.of(value).push_back(p);
    }
    return out;
}

Column topic_column(AuditPrompts const& in, std::string_view who) {
    return column_of(in, "topic", in.audit.topic, who);
}

bool has_column(AuditPrompts const& in, std::string_view name) {
    return std::ranges::find(in.metadata.columns, name) != in.metadata.columns.end();
}

std::vector<PromptPair> topic_pairs(AuditPrompts const& in, std::string_view who) {
    Column const column = topic_column(in, who);
    std::vector<PromptPair> out;
    std::set<std::pair<std::int64_t, std::int64_t>> seen;
    for (std::string const& group : {in.roles.benign, in.roles.malicious}) {
        ByValue const topics = by_value(in, column, prompts_of_group(in, group), who);
        for (std::size_t t = 0; t < topics.values.size() && topics.values.size() > 1; ++t) {
            auto const& these = topics.prompts[t];
            auto const& next = topics.prompts[(t + 1) % topics.prompts.size()];
            for (std::size_t i = 0; i < these.size(); ++i) {
                PromptPair const pair{these[i], next[i % next.size()]};
                if (seen.emplace(std::min(pair.a, pair.b), std::max(pair.a, pair.b)).second) out.push_back(pair);
            }
        }
    }
    return out;
}

std::vector<PromptPair> matched_pairs(AuditPrompts const& in, std::string_view who) {
    bool const by_pair = matched_by(in) != in.audit.topic;
    Column const column = by_pair ? column_of(in, "pair", matched_by(in), who) : topic_column(in, who);
    // A prompt without a partner may leave the pair column empty.
    auto const sorted = [&](std::string const& group) {
        std::vector<std::int64_t> prompts = prompts_of_group(in, group);
        if (by_pair) std::erase_if(prompts, [&](std::int64_t p) { return value_of(in, column, p).empty(); });
        return by_value(in, column, prompts, who);
    };
    ByValue const harmful = sorted(in.roles.malicious);
    ByValue benign = sorted(in.roles.benign);
    std::vector<PromptPair> out;
    for (std::size_t v = 0; v < harmful.values.size(); ++v) {
        auto const& partners = benign.of(harmful.values[v]);
        std::size_t const num = std::min(harmful.prompts[v].size(), partners.size());
        for (std::size_t i = 0; i < num; ++i)
            out.push_back({harmful.prompts[v][i], partners[i]});
    }
    return out;
}

std::vector<PromptPair> cross_topic_pairs(AuditPrompts const& in, std::string_view who) {
    Column const column = topic_column(in, who);
    std::vector<std::int64_t> const prompts = audited_prompts(in);
    ByValue const topics = by_value(in, column, prompts, who);
    std::vector<PromptPair> out;
    if (topics.values.size() < 2) return out;
    std::mt19937_64 random(cross_topic_seed);
    for (std::size_t draw = 0; draw < prompts.size(); ++draw) {
        std::int64_t const a = prompts[uniform_below(prompts.size(), random)];
        std::vector<std::int64_t> others;
        for (std::int64_t const p : prompts) {
            if (value_of(in, column, p) != value_of(in, column, a)) others.push_back(p);
        }
        out.push_back({a, others[uniform_below(others.size(), random)]});
    }
    return out;
}

std::string why_none(AuditCondition condition, AuditPrompts const& in) {
    if (condition == AuditCondition::matched)
        return fmt::format("no value of the column \"{}\" stands beside prompts of both \"{}\" and \"{}\"",
                           printable(matched_by(in)), printable(in.roles.malicious), printable(in.roles.benign));
    return fmt::format("the column \"{}\" has one value alone in {}", printable(in.audit.topic),
                       condition == AuditCondition::topic ? "each of the two groups" : "the two groups");
}

}  // namespace

std::string who_needs(AuditCondition condition) {
    return fmt::format("the condition {}", facts_of(condition).word);
}

std::string_view matched_by(AuditPrompts const& in) {
    if (!in.audit.pair.empty()) return in.audit.pair;
    return has_column(in, default_pair_column) ? default_pair_column : std::string_view(in.audit.topic);
}

std::vector<std::int64_t> prompts_of_group(AuditPrompts const& in, std::string const& group) {
    std::vector<std::int64_t> out;
    for (std::size_t p = 0; p < in.groups.size(); ++p) {
        if (in.groups[p] == group) out.push_back(static_cast<std::int64_t>(p));
    }
    return out;
}

std::vector<std::int64_t> audited_prompts(AuditPrompts const& in) {
    auto out = prompts_of_group(in, in.roles.benign);
    auto const malicious = prompts_of_group(in, in.roles.malicious);
    out.insert(out.end(), malicious.begin(), malicious.end());
    std::ranges::sort(out);
    return out;
}

std::vector<PromptPair> audit_pairs(AuditCondition condition, AuditPrompts const& in, std::string_view who) {
    std::vector<PromptPair> out;
    switch (condition) {
        case AuditCondition::topic:
            out = topic_pairs(in, who);
            break;
        case AuditCondition::matched:
            out = matched_pairs(in, who);
            break;
        case AuditCondition::cross_topic:
            out = cross_topic_pairs(in, who);
            break;
        case AuditCondition::refusal_prefix:
        case AuditCondition::continuation:
            for (std::int64_t const p : prompts_of_group(in, in.roles.malicious))
                out.push_back({p, p});
            break;
    }
    GATESWEEP_VALIDATE(!out.empty(), ExitCode::job,
                       "[audit]: there is no pair of prompts for {} ({}): give the prompts other values there, name "
                       "another column, or leave it out",
                       who, why_none(condition, in));
    return out;
}

std::vector<DrawnRows> resampled_audit_pairs(AuditCondition condition, std::size_t num_pairs, std::int64_t resamples) {
    std::vector<std::int64_t> rows(num_pairs);
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    return resampled_rows(rows, resamples, first_audit_stream + static_cast<std::uint64_t>(condition));
}

}  // namespace gatesweep
