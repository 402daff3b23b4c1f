#include "job_audit.h"

#include <fmt/format.h>

#include "gatesweep/input/job_keys.h"
#include "toml_text.h"

namespace gatesweep {
namespace {

std::vector<std::string> condition_words() {
    std::vector<std::string> words;
    for (AuditConditionFacts const& facts : audit_conditions)
        words.emplace_back(facts.word);
    return words;
}

std::string read_column(Section const& section, std::string_view key, std::string fallback) {
    std::string column = section.text(key).value_or(std::move(fallback));
    if (!column.empty() && !is_name(column)) section.refuse(key, "the name of a column, without control characters");
    return column;
}

}  // namespace

AuditParameters read_audit(Section const& top, InputPlaces const& places) {
    AuditParameters out;
    auto const section = top.section("audit", keys_of("audit"));
    if (!section) return out;
    std::vector<std::string> const all = condition_words();
    for (std::string const& word : read_words(*section, "conditions", all, all))
        out.conditions.push_back(*find_audit_condition(word));
    out.topic = read_column(*section, "topic", out.topic);
    if (out.topic.empty()) section->refuse("topic", "the name of a column");
    out.pair = read_column(*section, "pair", out.pair);
    out.refusals = find_optional_input(*section, "refusals", places, PathKind::file);
    out.compliances = find_optional_input(*section, "compliances", places, PathKind::file);
    return out;
}

std::string audit_text(AuditParameters const& audit) {
    if (!audit.is_wanted()) return {};
    return fmt::format(
        "\n[audit]\nconditions = {}\ntopic = {}\npair = {}\nrefusals = {}\ncompliances = {}\n",
        toml_list(audit.conditions,
                  [](AuditCondition condition) { return toml_string(std::string(facts_of(condition).word)); }),
        toml_string(audit.topic), toml_string(audit.pair), toml_string(audit.refusals.string()),
        toml_string(audit.compliances.string()));
}

}  // namespace gatesweep
