#include "gatesweep/label/labelling.h"

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/stop_request.h"
#include "gatesweep/comm/progress.h"
#include "gatesweep/comm/stop_together.h"
#include "gatesweep/label/built_in_judge_question.h"
#include "gatesweep/label/judge.h"
#include "gatesweep/label/label_files.h"
#include "gatesweep/label/refusal_phrases.h"

namespace boost::serialization {
template <class Archive>
void serialize(Archive& a, gatesweep::JudgeQuestion& x, unsigned int) {
    a& x.prompt& x.completion;
}
}  // namespace boost::serialization

namespace gatesweep {
namespace {

PhraseLabeller phrase_rules(LabelsSpec const& labels) {
    return labels.phrases.empty() ? PhraseLabeller::built_in() : PhraseLabeller::load(labels.phrases);
}

JudgeTemplate judge_question(LabelsSpec const& labels) {
    return labels.judge_template.empty() ? parse_judge_template(built_in_judge_question, "built-in judge template")
                                         : load_judge_template(labels.judge_template);
}

LabellerName labeller_name(LabelsSpec const& labels) {
    if (labels.method == LabelMethod::phrases) return {"phrases", phrase_rules(labels).version()};
    JudgeTemplate const question = judge_question(labels);
    return {"judge " + question.name, question.version};
}

HumanLabels human_labels(LabelsSpec const& labels) {
    if (labels.human.empty()) return {};
    auto const key = labels.human.parent_path() / "labels_key.csv";
    std::error_code ignored;
    bool const has_key = std::filesystem::exists(key, ignored);
    return read_human_labels(labels.human, has_key ? std::optional(key) : std::nullopt);
}

// Verdicts on the questions of the root, in their order, whole on the root. Equal questions are asked once; each rank
// judges its share of what no ledger holds.
std::vector<Label> judge_all(LabelsSpec const& labels, at::Device device, ParallelLayout const& layout,
                             std::vector<JudgeQuestion> const& asked, LabelLedger const& to) {
    constexpr std::size_t questions_of_a_commit = 64;
    Communicator const& world = layout.world;
    std::vector<JudgeQuestion> questions;  // each once
    std::vector<std::size_t> place_of;     // by asked question
    std::map<std::pair<std::string_view, std::string_view>, std::size_t> places;
    for (JudgeQuestion const& one : asked) {
        auto const [place, is_new] = places.try_emplace({one.prompt, one.completion}, questions.size());
        if (is_new) questions.push_back(one);
        place_of.push_back(place->second);
    }
    world.broadcast_value(questions, layout.final_rank());
    if (questions.empty()) return {};
    if (to.expect) to.expect(verdict_record, std::ssize(questions));
    Ledger& ledger = to.ledger;
    Judge const judge(labels.judge, judge_question(labels), std::nullopt, device, 8192);
    auto const key = [digest = judge.digest()](JudgeQuestion const& q) {
        return FastDigest()
            .add(std::string_view(digest))
            .add(std::string_view(q.prompt))
            .add(std::string_view(q.completion))
            .hex();
    };
    std::vector<Label> verdicts(layout.is_final_rank() ? questions.size() : 0);
    std::vector<std::size_t> open;  // indices of questions
    for (std::size_t q = 0; q < questions.size(); ++q) {
        if (!ledger.holds(verdict_record, key(questions[q]))) {
            open.push_back(q);
        } else if (layout.is_final_rank()) {
            verdicts[q] = parse_label(ledger.payload(verdict_record, key(questions[q]))).value_or(Label::unscored);
        }
    }
    std::vector<JudgeQuestion> mine;
    auto const num_ranks = static_cast<std::size_t>(world.size());
    for (std::size_t i = static_cast<std::size_t>(world.rank()); i < open.size(); i += num_ranks)
        mine.push_back(questions[open[i]]);
    std::vector<int> own;
    bool stopped = false;
    Progress progress(RunPhase::labels, "verdicts", world);
    progress.update(0, std::ssize(mine));
    while (own.size() < mine.size() && !stopped) {
        std::size_t const first = own.size(), count = std::min(questions_of_a_commit, mine.size() - first);
        auto const part = mine.begin() + static_cast<std::ptrdiff_t>(first);
        for (Label label : judge.label({part, part + static_cast<std::ptrdiff_t>(count)})) {
            ledger.add(verdict_record, key(mine[own.size()]), to_string(label));
            own.push_back(static_cast<int>(label));
        }
        ledger.commit();
        progress.update(std::ssize(own), std::ssize(mine));
        stopped = own.size() < mine.size() && stop_request() != StopRequest::none;
    }
    progress.finish();
    stop_together(world, stopped);
    auto const parts = world.gather_value(own, layout.final_rank());
    if (!layout.is_final_rank()) return {};
    for (std::size_t i = 0; i < open.size(); ++i)
        verdicts[open[i]] = static_cast<Label>(parts[i % num_ranks][i / num_ranks]);
    std::vector<Label> all;
    for (std::size_t const place : place_of)
        all.push_back(verdicts[place]);
    return all;
}

std::vector<Label> phrase_labels_of(PhraseLabeller const& rules, std::vector<Reply> const& replies) {
    std::unordered_map<std::string_view, Label> known;  // most replies of a sweep are the baseline's
    std::vector<Label> labels;
    for (Reply const& reply : replies) {
        auto const [place, is_new] = known.try_emplace(reply.text.value_or(""), Label::unscored);
        if (is_new) place->second = rules.label(place->first);
        labels.push_back(place->second);
    }
    return labels;
}

void override_by_people(LabelsSpec const& spec, std::vector<Reply> const& replies, LabelledReplies& labelled) {
    HumanLabels const human = human_labels(spec);
    LabelsOfReplies const by_people = labels_of_replies(human, replies);
    for (std::size_t i = 0; i < replies.size(); ++i) {
        if (by_people.labels[i]) labelled.labels[i] = {*by_people.labels[i], LabelSource::person};
    }
    if (by_people.num_unused > 0) {
        warn(
            "{} of {} labels of {} belong to no reply of this sweep (another run's sheet, or texts that were changed): "
            "they are not "
            "used",
            by_people.num_unused, human.labels.size(), spec.human.string());
    }
}

}  // namespace

std::string LabelledReplies::source(std::size_t reply) const {
    LabelSource const by = labels[reply].by;
    return by == LabelSource::person     ? "human"
           : by == LabelSource::labeller ? fmt::format("{} {}", labeller.method, labeller.version)
                                         : "";
}

void check_label_inputs(Job const& job) {
    LabelsSpec const& labels = job.sweep.labels;
    phrase_rules(labels);
    judge_question(labels);
    human_labels(labels);
    if (!labels.validation.empty()) read_labelled_file(labels.validation);
    if (labels.method == LabelMethod::judge) load_model_config(labels.judge);
}

std::vector<Label> phrase_labels(Job const& job, std::vector<std::string> const& texts) {
    PhraseLabeller const rules = phrase_rules(job.sweep.labels);
    std::vector<Label> labels;
    for (std::string const& text : texts)
        labels.push_back(rules.label(text));
    return labels;
}

LabelledReplies label_replies(LabelsSpec const& labels, at::Device device, ParallelLayout const& layout,
                              std::vector<Reply> const& replies, LabelLedger const& to) {
    LabelledReplies out;
    out.labeller = labeller_name(labels);
    std::vector<Reply> readable;
    std::ranges::copy_if(replies, std::back_inserter(readable),
                         [](Reply const& reply) { return reply.text.has_value(); });
    std::vector<Label> found;
    if (labels.method == LabelMethod::judge) {
        std::vector<JudgeQuestion> questions;
        for (Reply const& reply : readable)
            questions.push_back({std::string(reply.prompt), std::string(*reply.text)});
        found = judge_all(labels, device, layout, questions, to);
    } else if (layout.is_final_rank()) {
        found = phrase_labels_of(phrase_rules(labels), readable);
    }
    if (!layout.is_final_rank()) return out;
    std::size_t next = 0;
    for (Reply const& reply : replies) {
        bool const has_text = reply.text.has_value();
        out.by_labeller.push_back(has_text ? found[next++] : Label::unscored);
        out.labels.push_back({out.by_labeller.back(), has_text ? LabelSource::labeller : LabelSource::nobody});
    }
    if (!labels.human.empty()) override_by_people(labels, replies, out);
    return out;
}

std::optional<LabelQuality> labeller_beside_people(LabelsSpec const& labels, std::vector<Reply> const& replies,
                                                   LabelledReplies const& labelled) {
    LabelledFile by_people;
    by_people.name = labels.human.string();
    std::vector<Label> by_labeller;
    std::set<std::pair<std::string_view, std::string_view>> seen;
    for (std::size_t i = 0; i < replies.size(); ++i) {
        auto const& [label, by] = labelled.labels[i];
        bool const counts = by == LabelSource::person && replies[i].text && label != Label::unscored;
        if (!counts || !seen.emplace(replies[i].prompt, *replies[i].text).second) continue;
        by_people.rows.push_back({std::string(replies[i].prompt), std::string(*replies[i].text), {label}, 0});
        by_labeller.push_back(labelled.by_labeller[i]);
    }
    if (by_people.rows.empty()) return std::nullopt;
    std::size_t next = 0;  // rows are asked for in their order
    return validate_labeller(labelled.labeller.method, labelled.labeller.version, by_people,
                             [&](std::string_view, std::string_view) { return by_labeller[next++]; });
}

std::optional<LabelQuality> measure_labeller(Job const& job, at::Device device, ParallelLayout const& layout) {
    LabelsSpec const& labels = job.sweep.labels;
    if (labels.validation.empty()) return std::nullopt;
    if (labels.method == LabelMethod::phrases && !layout.is_final_rank()) return std::nullopt;  // nothing to share
    LabelledFile const file = read_labelled_file(labels.validation);
    LabellerName const name = labeller_name(labels);
    if (labels.method == LabelMethod::phrases) {
        PhraseLabeller const rules = phrase_rules(labels);
        return validate_labeller(name.method, name.version, file, [&](std::string_view, std::string_view completion) {
            return rules.label(completion);
        });
    }
    std::vector<JudgeQuestion> questions;
    for (auto const& row : file.rows)
        questions.push_back({row.prompt, row.completion});
    Ledger forgetful;
    auto const verdicts = judge_all(labels, device, layout, questions, {forgetful, {}});
    if (verdicts.empty()) return std::nullopt;
    std::size_t next = 0;  // rows are asked for in their order
    return validate_labeller(name.method, name.version, file,
                             [&](std::string_view, std::string_view) { return verdicts[next++]; });
}

}  // namespace gatesweep
