#include "html_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gatesweep/report/headline.h"
#include "heatmap.h"
#include "html_parts.h"
#include "text.h"

namespace gatesweep {
namespace {

constexpr std::int64_t few_prompts = 30;
constexpr double uneven_length = 1.10;

struct GroupFacts {
    std::int64_t num_prompts = 0;
    std::int64_t num_tokens = 0;
    std::int64_t shortest = 0;
    std::int64_t longest = 0;
    double mean_loss = 0.0;
    double mean_tokens() const { return static_cast<double>(num_tokens) / static_cast<double>(num_prompts); }
};

GroupFacts facts_of(RunView const& run, std::string const& group) {
    CsvTable const& prompts = run.table("prompts");
    GroupFacts facts;
    std::int64_t num_losses = 0;
    for (std::size_t row = 0; row < prompts.rows.size(); ++row) {
        if (prompts.text(row, "group") != group) continue;
        std::int64_t const tokens = prompts.integer(row, "num_tokens");
        facts.shortest = facts.num_prompts == 0 ? tokens : std::min(facts.shortest, tokens);
        facts.longest = std::max(facts.longest, tokens);
        facts.num_tokens += tokens;
        ++facts.num_prompts;
        double const loss = prompts.number(row, "loss");
        if (std::isnan(loss)) continue;  // a prompt of one token has no next token
        facts.mean_loss += loss;
        ++num_losses;
    }
    facts.mean_loss /= static_cast<double>(num_losses);
    return facts;
}

std::string role_of(RunView const& run, std::string_view group) {
    if (group == run.job.analysis.benign) return "benign role";
    return group == run.job.analysis.malicious ? "malicious role" : "beside the comparison";
}

std::string experts_text(std::int64_t count) {
    return count == 1 ? "1 expert" : count == 0 ? "No expert" : fmt::format("{} experts", count);
}

std::int64_t count_of(ClassMap const& classes, std::string_view label) {
    return std::ranges::count(classes.label, label);
}

std::string class_bar(RunView const& run, ClassMap const& classes) {
    struct Part {
        char const* css;
        std::int64_t count;
        std::string name;
    };
    std::int64_t const malicious = count_of(classes, "malicious-dominant");
    std::int64_t const benign = count_of(classes, "benign-dominant");
    std::int64_t const shared = count_of(classes, "shared");
    std::int64_t const rest = run.num_cells() - malicious - benign - shared;
    std::string bar;
    std::string key;
    for (auto const& part : {Part{"mal", malicious, "malicious-dominant"}, Part{"ben", benign, "benign-dominant"},
                             Part{"rest", rest, "weak or uncertain"}, Part{"shared", shared, "shared"}}) {
        if (part.count > 0) {
            bar += fmt::format("<span class=\"{}\" style=\"flex-grow:{}\"></span>", part.css, part.count);
        }
        if (part.count > 0 || part.css != std::string_view("rest")) {
            key +=
                fmt::format("<li><i class=\"{}\"></i><b>{}</b> {}</li>", part.css, count_text(part.count), part.name);
        }
    }
    return fmt::format(
        "<div class=\"classbar\" role=\"img\" aria-label=\"{} malicious-dominant, {} benign-dominant, {} shared, {} "
        "other\">{}</div>\n<ul class=\"classkey\">{}</ul>\n",
        malicious, benign, shared, rest, bar, key);
}

// The coverage row of a group's mean map: its first k column, as text.
std::string first_coverage(RunView const& run, std::string_view signal, std::string const& group) {
    CsvTable const& coverage = run.table("coverage");
    for (std::size_t row = 0; row < coverage.rows.size(); ++row) {
        if (coverage.text(row, "signal") == signal && coverage.text(row, "level") == "group" &&
            coverage.text(row, "group") == group) {
            return html_escape(coverage.text(row, run.coverage_columns().front()));
        }
    }
    return "n/a";
}

std::string overlap_sentence(RunView const& run, std::string_view signal) {
    CsvTable const& overlap = run.table("overlap");
    for (std::size_t row = 0; row < overlap.rows.size(); ++row) {
        if (overlap.text(row, "signal") != signal) continue;
        return fmt::format("<li>Of the {0} highest experts of each group, {1} are the same.</li>\n",
                           overlap.integer(row, "top_n"), overlap.integer(row, "overlap"));
    }
    return {};
}

std::string card(RunView const& run, ClassMap const& classes) {
    SignalFacts const& signal = facts_of(classes.signal);
    std::string const benign = group_html(run, run.job.analysis.benign);
    std::string const malicious = group_html(run, run.job.analysis.malicious);
    std::int64_t const num_malicious = count_of(classes, "malicious-dominant");
    std::int64_t const num_benign = count_of(classes, "benign-dominant");
    std::size_t largest = 0;
    for (std::size_t i = 1; i < classes.gap.size(); ++i) {
        if (std::abs(classes.gap[i]) > std::abs(classes.gap[largest])) largest = i;
    }
    double const at_benign = run.find_map(signal.word, run.job.analysis.benign)->mean[largest];
    double const at_malicious = run.find_map(signal.word, run.job.analysis.malicious)->mean[largest];
    std::string body = fmt::format("<h3>{}</h3>\n<p class=\"note\">{}</p>\n{}<ul>\n", capitalised(signal.title),
                                   html_escape(signal.meaning), class_bar(run, classes));
    body += fmt::format("<li>{} of {} {} {} on {}, {} on {}.</li>\n", experts_text(num_malicious),
                        count_text(run.num_cells()), num_malicious == 1 ? "is" : "are", signal.more, malicious,
                        num_benign == 0 ? "none" : count_text(num_benign), benign);
    body += fmt::format("<li>Largest gap: expert <span class=\"ex\">{}</span> with {} on {} and {} on {} ({}).</li>\n",
                        to_string(expert_at(run, static_cast<std::int64_t>(largest))), number_text(at_benign), benign,
                        number_text(at_malicious), malicious, signed_text(classes.gap[largest]));
    if (!run.coverage_columns().empty()) {
        body += fmt::format("<li>{} % of the score lies in the highest {} experts on {}, {} on {}.</li>\n",
                            html_escape(run.coverage_columns().front().substr(1)),
                            first_coverage(run, signal.word, run.job.analysis.benign), benign,
                            first_coverage(run, signal.word, run.job.analysis.malicious), malicious);
    }
    body += overlap_sentence(run, signal.word);
    return fmt::format("<div class=\"card\">{}</ul></div>\n", body);
}

std::string cause_text(RunView const& run) {
    if (!run.sweep) {
        return "These numbers say where routing differs. Whether an expert brings a behaviour about takes an "
               "intervention, "
               "which is not part of this report.";
    }
    return "Scores and classes say where routing differs; only <a href=\"#sweep\">the sweep</a> says what an expert "
           "brings "
           "about. Its sets were chosen on the prompts of this run, so try the strongest on prompts that had no part "
           "in "
           "choosing it.";
}

}  // namespace

std::string what_was_run(RunView const& run, std::string const& manifest_rows) {
    HtmlTable table{"Prompts", {{"group"}, {"part in the comparison"}}, {}, Sorting::fixed};
    for (auto const* title : {"prompts", "tokens", "tokens per prompt", "shortest to longest", "mean loss"}) {
        table.columns.push_back({title, HtmlColumn::Kind::number});
    }
    table.columns.back().hint = "mean over prompts of the mean next-token cross-entropy";
    for (auto const& group : run.groups) {
        GroupFacts const facts = facts_of(run, group);
        table.rows.push_back({group_html(run, group), role_of(run, group), count_cell(facts.num_prompts),
                              count_cell(facts.num_tokens), number_cell(facts.mean_tokens()),
                              fmt::format("{} to {}", facts.shortest, facts.longest), number_cell(facts.mean_loss)});
    }
    std::string facts = fmt::format(
        "<dl class=\"facts\">\n<dt>Model</dt><dd>{} layers{} x {} experts = {} experts in "
        "all<br><code>{}</code></dd>\n{}</dl>\n",
        run.num_layers, run.moe_layers.is_every() ? "" : " with a router", run.num_experts, count_text(run.num_cells()),
        run.job.model.empty() ? "path not recorded" : html_escape(run.job.model), manifest_rows);
    return section(
        "run", "What was run",
        "<p>Every prompt went through the model once. In each layer a <em>router</em> sends each token to a few "
        "<em>experts</em>. The run recorded which experts were chosen (activation) and how the prompt's loss depends "
        "on "
        "the router (gradient), and compares the two groups of prompts expert by expert.</p>\n" +
            facts + table.html());
}

std::string in_short(RunView const& run) {
    Headline const lines = headline(run);
    std::string body = for_each_signal(run, [&](ClassMap const& classes) { return card(run, classes); });
    body += fmt::format("<p class=\"headline\"><code>{}</code>{}</p>\n", html_escape(lines.analysis),
                        lines.marked.empty() ? "" : fmt::format("<br><code>{}</code>", html_escape(lines.marked)));
    return section("short", "In short", body);
}

std::string cautions(RunView const& run) {
    GroupFacts const benign = facts_of(run, run.job.analysis.benign);
    GroupFacts const malicious = facts_of(run, run.job.analysis.malicious);
    double const ratio = malicious.mean_tokens() / benign.mean_tokens();
    bool const is_uneven = ratio > uneven_length || ratio < 1.0 / uneven_length;
    bool const is_few = std::min(benign.num_prompts, malicious.num_prompts) < few_prompts;
    std::string body = "<ul class=\"cautions\">\n";
    body += fmt::format(
        "<li{}><b>Length.</b> A prompt has {} tokens on {} and {} on {}, a ratio of {}.{} A short prompt reaches few "
        "experts and so looks "
        "concentrated; where lengths differ, part of a difference in coverage or in effective experts is a difference "
        "in length.</li>\n",
        is_uneven ? " class=\"alert\"" : "", number_text(benign.mean_tokens()),
        group_html(run, run.job.analysis.benign), number_text(malicious.mean_tokens()),
        group_html(run, run.job.analysis.malicious), number_text(ratio),
        is_uneven ? " <strong>The groups differ in length by more than 10 %.</strong>" : "");
    body += fmt::format(
        "<li{}><b>Number of prompts.</b> {} against {}.{} The column <code>std</code> of "
        "<code>tables/expert_scores.csv</code> gives the spread over prompts.</li>\n",
        is_few ? " class=\"alert\"" : "", count_text(benign.num_prompts), count_text(malicious.num_prompts),
        is_few ? " <strong>Fewer than 30 in a group: means over so few prompts move with every prompt added.</strong>"
               : "");
    body +=
        "<li><b>Topic.</b> Routing follows what a text is about. Two groups that differ in harm usually differ in "
        "topic, wording and "
        "form too, and a gap cannot tell these apart. Groups of matched prompts (the same words in a harmful and a "
        "harmless "
        "request) narrow it down.</li>\n";
    std::string limits;
    for (ClassMap const& classes : run.classes) {
        Thresholds const& of_signal = run.job.analysis.limits(classes.signal);
        limits += fmt::format("{}{}: gap {}, larger mean {}", limits.empty() ? "" : "; ",
                              facts_of(classes.signal).title, number_text(of_signal.gap), number_text(of_signal.min));
    }
    body += fmt::format(
        "<li><b>Classes are limits, not tests.</b> An expert is dominant when its gap and its larger mean reach a "
        "limit ({}); no label carries an error probability.</li>\n",
        limits);
    body +=
        "<li><b>Depth.</b> Raw gradients grow towards the last layers in most models, so one limit for all layers "
        "favours the last "
        "ones. Compare experts within a layer first.</li>\n";
    body += fmt::format("<li><b>Cause.</b> {}</li>\n</ul>\n", cause_text(run));
    return section("cautions", "Before you conclude", body);
}

std::string marked_section(RunView const& run) {
    if (!run.has("marked_experts")) return {};
    CsvTable const& marked = run.table("marked_experts");
    std::string body = fmt::format(
        "<p>{} experts were named in advance (<code>[report] mark</code> of the job). The tables show where "
        "each stands when all {} experts are ordered by the size of their gap: rank 1 is the largest. "
        "The gradient share divides a gradient by the sum over its layer, which makes layers comparable.</p>\n",
        run.marked.size(), count_text(run.num_cells()));
    for (SignalFacts const& signal : signal_kinds) {
        HtmlTable table{fmt::format("Marked experts by {}", signal.title), {{"expert"}}};
        for (auto const& title : {group_html(run, run.job.analysis.benign), group_html(run, run.job.analysis.malicious),
                                  std::string("gap"), std::string("rank")})
            table.columns.push_back({title, HtmlColumn::Kind::number});
        table.columns.push_back({"class", HtmlColumn::Kind::word});
        double largest = 0.0;
        for (std::size_t row = 0; row < marked.rows.size(); ++row) {
            if (marked.text(row, "signal") == signal.word)
                largest = std::max(largest, std::abs(marked.number(row, "gap")));
        }
        for (std::size_t row = 0; row < marked.rows.size(); ++row) {
            if (marked.text(row, "signal") != signal.word) continue;
            table.rows.push_back(
                {expert_cell({marked.integer(row, "layer"), marked.integer(row, "expert")}),
                 number_cell(marked.number(row, "benign_mean")), number_cell(marked.number(row, "malicious_mean")),
                 gap_cell(marked.number(row, "gap"), largest), count_cell(marked.integer(row, "rank_by_abs_gap")),
                 html_escape(marked.text(row, "label"))});
        }
        if (!table.rows.empty()) body += fmt::format("<div>{}</div>\n", table.html());
    }
    return section("marked", "Marked experts", fmt::format("<div class=\"triple\">{}</div>\n", body));
}

}  // namespace gatesweep
