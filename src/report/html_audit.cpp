#include "html_audit.h"

#include <fmt/format.h>

#include <cmath>

#include "audit_view.h"
#include "figures_audit.h"
#include "html_figures.h"
#include "html_parts.h"

namespace gatesweep {
namespace {

std::string estimate_text(Estimate const& estimate) {
    if (std::isnan(estimate.interval.low)) return number_text(estimate.value);
    return fmt::format("{} ({} to {})", number_text(estimate.value), number_text(estimate.interval.low),
                       number_text(estimate.interval.high));
}

std::string conditions_table(std::vector<AuditedCondition> const& audit) {
    HtmlTable table{"How differently the two texts of a pair are routed, mean over pairs and layers",
                    {{"condition", HtmlColumn::Kind::word}, {"the two texts"}, {"pairs", HtmlColumn::Kind::number}}};
    table.columns.push_back({"JS", HtmlColumn::Kind::number,
                             "Jensen-Shannon divergence of the routing vectors, 0 to 0.693, with its 95 % interval"});
    table.columns.push_back(
        {"overlap", HtmlColumn::Kind::number, "experts of top-k that both have, with its 95 % interval"});
    for (AuditedCondition const& audited : audit) {
        AuditConditionFacts const& facts = facts_of(audited.condition);
        table.rows.push_back({std::string(facts.word), std::string(facts.texts), count_cell(audited.num_pairs),
                              HtmlCell(estimate_text(audited.mean_js), audited.mean_js.value),
                              HtmlCell(estimate_text(audited.mean_overlap), audited.mean_overlap.value)});
    }
    return table.html();
}

std::string verdict(Estimate const& ratio) {
    auto const [low, high] = ratio.interval;
    if (high < 1.0) return "so on these prompts routing goes with the topic more than with harm";
    if (low > 1.0) return "so on these prompts routing goes with harm more than with the topic";
    return "so with which of the two routing goes more stays open";
}

// Topic against harm, in one sentence.
std::string topic_and_harm(RunView const& run) {
    auto const ratio = js_ratio(run, AuditCondition::matched, AuditCondition::topic);
    if (!ratio) return {};
    return fmt::format(
        "<p>Between a harmful and a benign prompt of one topic the routing changes {} times as much as between two "
        "prompts of one group and of different topics (ratio of the mean JS, with its 95 % interval), {}. Both hold "
        "what "
        "any two prompts differ in, wording and length; neither says what an expert does.</p>\n",
        estimate_text(*ratio), verdict(*ratio));
}

}  // namespace

std::string audit_section(RunView const& run) {
    auto const audit = read_audit(run);
    if (audit.empty()) return {};
    std::string body = topic_and_harm(run) + conditions_table(audit);
    body += figure_html(run, audit_figure_name, "Change of the routing by layer, under each condition.");
    return section("audit", "Routing audit", body);
}

}  // namespace gatesweep
