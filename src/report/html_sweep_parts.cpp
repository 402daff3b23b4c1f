#include "html_sweep_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "html_sweep.h"
#include "sweep_facts.h"
#include "text.h"

namespace gatesweep {
namespace {

std::string measure(CsvTable const& table, std::size_t row, std::string const& name, double factor) {
    auto const value = [&](std::string const& column) {
        return table.text(row, column).empty() ? not_measured : factor * table.number(row, column);
    };
    auto const text = [&](double number) {
        return std::isnan(number) ? std::string("n/a") : fmt::format("{:.3g}", number);
    };
    return fmt::format("{}{} {}", text(value(name)), factor == 100.0 ? " %" : "",
                       interval_html(text(value(name + "_low")), text(value(name + "_high"))));
}

// Who labelled what, where people did.
std::string people_note(RunView const& run) {
    LabelledBy const labelled = labelled_by(*run.sweep);
    if (labelled.num_human == 0) return {};
    std::string const mixed =
        labelled.num_mixed == 0
            ? ""
            : fmt::format(" {} pairs have a label of each kind: {}.", count_text(labelled.num_mixed),
                          run.job.allows_mixed
                              ? "they count like the others, since the job says <code>mixed = \"allow\"</code>, so a "
                                "difference may be one of labellers"
                              : "a difference between the two could be one of labellers, so they are left out of every "
                                "comparison with the baseline");
    return fmt::format("<p class=\"labeller\"><b>People labelled</b> {} of {} replies.{}</p>\n",
                       count_text(labelled.num_human), count_text(labelled.num_replies), mixed);
}

std::string error_note(RunView const& run) {
    if (!run.has("label_quality") || run.table("label_quality").rows.empty()) {
        std::string const method = run.job.label_method == "judge" ? "a judge model" : "phrase rules";
        return fmt::format(
            "<p class=\"labeller alert\"><b>The labeller's error was not measured.</b> Replies were labelled by {}. "
            "Give a file of human-labelled replies as <code>sweep.labels.validation</code> and its precision and "
            "recall stand here.{}</p>\n",
            method,
            run.job.label_method == "judge"
                ? ""
                : " Until then read the rates with care: phrase rules miss most refusals of Mistral-like models, which "
                  "decline without set phrases such as \"I cannot\".");
    }
    CsvTable const& quality = run.table("label_quality");
    std::string note;
    for (std::size_t row = 0; row < quality.rows.size(); ++row) {
        note += fmt::format(
            "<p class=\"labeller\"><b>Labeller:</b> {} ({}). On {} human-labelled replies (<code>{}</code>): of what "
            "it "
            "calls a refusal, {} is one (precision); it finds {} of the refusals (recall); kappa {}.</p>\n",
            html_escape(quality.text(row, "method")), html_escape(shortened(quality.text(row, "version"), 24)),
            count_text(quality.integer(row, "num")), html_escape(shortened(quality.text(row, "source"), 60)),
            measure(quality, row, "precision", 100.0), measure(quality, row, "recall", 100.0),
            measure(quality, row, "kappa", 1.0));
    }
    return note;
}

}  // namespace

std::string labeller_note(RunView const& run) {
    return people_note(run) + error_note(run);
}

std::string labeller_line(RunView const& run) {
    if (!run.has("label_quality") || run.table("label_quality").rows.empty()) {
        return "<p class=\"note\">The labeller's error was not measured (<a href=\"#sweep\">what to do</a>).</p>\n";
    }
    CsvTable const& quality = run.table("label_quality");
    std::string line;
    for (std::size_t row = 0; row < quality.rows.size(); ++row) {
        line += fmt::format("{}labeller {}: precision {}, recall {}", line.empty() ? "" : "; ",
                            html_escape(quality.text(row, "method")), measure(quality, row, "precision", 100.0),
                            measure(quality, row, "recall", 100.0));
    }
    return fmt::format("<p class=\"note\">Of these rates: {}.</p>\n", line);
}

std::string set_html(SweepView const& sweep, TrialResult const& result) {
    return html_escape(shortened(set_name(sweep, result), 90));
}

std::string experts_html(TrialResult const& result, std::size_t max_experts) {
    return fmt::format("<span class=\"exs\">{}</span>", experts_text(result.experts, max_experts));
}

std::string interval_html(std::string const& low, std::string const& high) {
    return fmt::format("<span class=\"ci\">[{}, {}]</span>", low, high);
}

HtmlCell rate_cell(TrialResult const& result) {
    std::string html = percent_text(result.rate());
    if (!std::isnan(result.rate_low)) {
        html.append(" ").append(interval_html(percent_text(result.rate_low), percent_text(result.rate_high)));
    }
    return {html, result.rate()};
}

HtmlCell difference_cell(TrialResult const& result) {
    if (std::isnan(result.difference)) return "";
    std::string const sign = result.difference > 0.0 ? "+" : "";
    return {fmt::format("{}{} {}", sign, points_text(result.difference),
                        interval_html(points_text(result.difference_low), points_text(result.difference_high))),
            result.difference};
}

HtmlCell p_cell(double p) {
    if (std::isnan(p)) return "";
    std::string text = p_text("", p).substr(1);
    if (text.starts_with("= ")) text = text.substr(2);
    return {html_escape(text), p};
}

HtmlCell optional_cell(double value) {
    return std::isnan(value) ? HtmlCell("") : number_cell(value);
}

}  // namespace gatesweep
