#include "html_examples.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "gatesweep/report/evidence.h"
#include "html_sweep.h"
#include "html_sweep_parts.h"
#include "replies.h"
#include "sweep_facts.h"
#include "text.h"

namespace gatesweep {
namespace {

constexpr std::size_t max_sets = 4;
constexpr std::size_t max_replies = 2000;  // looked through for prompts that changed
constexpr std::size_t max_changed = 6;
constexpr std::size_t max_unchanged = 4;
constexpr std::size_t max_reply_characters = 1500;

struct Example {
    std::int64_t prompt_index = 0;
    StoredCompletion const* baseline = nullptr;
    StoredCompletion const* treated = nullptr;
};

bool is_refusal(StoredCompletion const& reply) {
    return reply.label == "full_refusal" || reply.label == "partial_refusal";
}

std::string reply_html(std::string_view title, StoredCompletion const& reply) {
    std::string const end =
        reply.finish_reason.empty() || reply.finish_reason == "stop" || reply.finish_reason == "eos"
            ? ""
            : fmt::format(" <span class=\"note\">ended by {}</span>", html_escape(shortened(reply.finish_reason, 20)));
    std::string const text = reply.text.empty() ? "<span class=\"absent\">(nothing)</span>"
                                                : html_escape(shortened(reply.text, max_reply_characters));
    return fmt::format(
        "<p class=\"reply-head\">{} <span class=\"badge {}\">{}</span>{}</p>\n<pre class=\"reply\">{}"
        "</pre>\n",
        title, is_refusal(reply) ? "refused" : "answered",
        reply.label.empty() ? "no label" : html_escape(shortened(reply.label, 24)), end, text);
}

std::string examples_html(std::string_view title, std::vector<Example> const& examples) {
    std::string body;
    for (auto const& example : examples) {
        std::string const asked = example.baseline->prompt.value_or("");
        body += fmt::format(
            "<h4>Prompt {} <span class=\"note\">(<code>prompt_index</code> {})</span></h4>\n{}{}",
            html_escape(shortened(example.baseline->prompt_id, 60)), example.prompt_index,
            asked.empty()
                ? ""
                : fmt::format("<pre class=\"reply\">{}</pre>\n", html_escape(shortened(asked, max_reply_characters))),
            side_by_side({reply_html("Baseline", *example.baseline), reply_html("With the set", *example.treated)}));
    }
    if (examples.empty()) body = "<p class=\"note\">None.</p>\n";
    return fmt::format(
        "<details class=\"examples\"><summary>{} <span class=\"note\">{} shown</span></summary>\n{}"
        "</details>\n",
        title, examples.size(), body);
}

std::string set_examples(RunView const& run, TrialResult const& set,
                         std::map<std::int64_t, StoredCompletion> const& before) {
    auto const after = read_replies(run.folder / completions_name, set.id, set.group, max_replies);
    std::vector<Example> changed;
    std::vector<Example> unchanged;
    for (auto const& [prompt, reply] : before) {
        auto const treated = after.find(prompt);
        if (treated == after.end()) continue;
        bool const has_changed = is_refusal(reply) != is_refusal(treated->second);
        auto& examples = has_changed ? changed : unchanged;
        if (examples.size() < (has_changed ? max_changed : max_unchanged)) {
            examples.push_back({prompt, &reply, &treated->second});
        }
    }
    return fmt::format("<h3>{} on {}</h3>\n<p>Experts {}.</p>\n", set_html(*run.sweep, set), group_html(run, set.group),
                       experts_html(set)) +
           examples_html("Prompts whose label changed", changed) +
           examples_html("Prompts whose label did not change", unchanged);
}

std::string group_examples(RunView const& run, std::string const& group) {
    auto sets = headline_sets(*run.sweep, group);
    if (sets.empty()) return {};
    std::size_t const num_all = sets.size();
    sets.resize(std::min(num_all, max_sets));
    auto const before = read_replies(run.folder / completions_name, run.sweep->baseline(group).id, group, max_replies);
    std::string html;
    for (TrialResult const* const set : sets)
        html += set_examples(run, *set, before);
    if (num_all > max_sets)
        html += fmt::format("<p class=\"note\">The first {} of {} sets of the result.</p>\n", max_sets, num_all);
    return html;
}

}  // namespace

std::string examples_section(RunView const& run) {
    if (!run.sweep || !std::filesystem::exists(run.folder / completions_name)) return {};
    std::string body =
        "<p class=\"labeller alert\"><b>Caution:</b> with refusal suppressed, a model may write harmful text. These "
        "replies "
        "are shown to check the labels, folded, cut, and chosen by no one: the first of each kind in the order of the "
        "prompts. All are in <code>completions.jsonl</code>.</p>\n";
    for (auto const& group : run.sweep->groups)
        body += group_examples(run, group);
    return section("examples", "Replies side by side", body + labeller_line(run));
}

}  // namespace gatesweep
