#include "screen.h"

#include <algorithm>
#include <map>
#include <set>

#include <boost/serialization/vector.hpp>

#include "gatesweep/base/file.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/stop_request.h"
#include "gatesweep/input/tokenizer.h"
#include "labelling.h"
#include "progress.h"
#include "sweep_measures.h"

namespace boost::serialization {
template <class Archive>
void serialize(Archive& a, gatesweep::Openers& x, unsigned int) {
    a& x.refusals& x.compliances;
}
}  // namespace boost::serialization

namespace gatesweep {
namespace {

constexpr std::size_t opener_tokens = 4;  // enough to tell "I cannot" from "I can" in any vocabulary
constexpr std::size_t max_openers = 8;    // of each kind

std::vector<std::vector<std::int32_t>> most_frequent(std::map<std::vector<std::int32_t>, int> const& counts) {
    std::vector<std::pair<std::vector<std::int32_t>, int>> order(counts.begin(), counts.end());
    std::stable_sort(order.begin(), order.end(), [](auto const& a, auto const& b) { return a.second > b.second; });
    std::vector<std::vector<std::int32_t>> openers;
    for (auto const& [ids, count] : order) {
        if (openers.size() < max_openers) openers.push_back(ids);
    }
    return openers;
}

// The model's own openings; an opening of both kinds tells nothing and is left out.
Openers openers_of(Job const& job, std::vector<Completion> const& baseline, Tokenizer const& tokenizer) {
    std::vector<std::string> texts;
    for (Completion const& c : baseline)
        texts.push_back(tokenizer.decode(c.token_ids));
    std::vector<Label> const labels = phrase_labels(job, texts);
    std::map<std::vector<std::int32_t>, int> refusals, compliances;
    for (std::size_t i = 0; i < baseline.size(); ++i) {
        auto const& ids = baseline[i].token_ids;
        if (ids.size() < opener_tokens) continue;
        std::vector<std::int32_t> const opener(ids.begin(), ids.begin() + opener_tokens);
        if (labels[i] == Label::full_refusal) ++refusals[opener];
        if (labels[i] == Label::full_compliance) ++compliances[opener];
    }
    for (auto const& [opener, count] : std::map(refusals)) {
        if (compliances.erase(opener) > 0) refusals.erase(opener);
    }
    return {most_frequent(refusals), most_frequent(compliances)};
}

Openers choose_openers(Setup const& setup, std::vector<Completion> const& baseline) {
    ScreenSpec const& screen = setup.inputs.job.sweep.screen;
    Tokenizer const tokenizer(setup.inputs.job.model.path / "tokenizer.model");
    Openers openers;
    if (screen.refusals.empty() || screen.compliances.empty())
        openers = openers_of(setup.inputs.job, baseline, tokenizer);
    auto const encode = [&](std::vector<std::string> const& texts, std::vector<std::vector<std::int32_t>>& to) {
        if (texts.empty()) return;
        to.clear();
        for (auto const& text : texts)
            to.push_back(tokenizer.encode(text));
    };
    encode(screen.refusals, openers.refusals);
    encode(screen.compliances, openers.compliances);
    return openers;
}

// A variant for every expert: variant 1 + layer x E + expert.
RouterEdits single_experts(ModelConfig const& config, EditMode mode) {
    RouterEdits edits(config.num_layers, config.num_experts);
    for (std::int64_t l = 0; l < config.num_layers; ++l) {
        for (std::int64_t e = 0; e < config.num_experts; ++e) {
            RouterEdit const edit{l, e, mode == EditMode::steer ? -1.0 : 1.0};
            edits.add(mode, EditScope::both, std::span(&edit, 1));
        }
    }
    return edits;
}

void write_screen(Setup const& setup, std::vector<std::int64_t> const& rows, std::vector<RefusalMargin> const& margins,
                  RunDirectory& run) {
    ModelConfig const& c = setup.config;
    std::map<std::int64_t, std::int64_t> row_of;
    for (std::size_t i = 0; i < rows.size(); ++i)
        row_of[rows[i]] = static_cast<std::int64_t>(i);
    NdArray<double> change({static_cast<std::int64_t>(rows.size()), c.num_layers, c.num_experts});
    std::vector<double> unedited(rows.size());
    std::map<std::string, std::vector<double>> sums;  // [group][variant], in prompt order
    std::map<std::string, double> num_prompts;
    for (RefusalMargin const& m : margins) {
        auto& of_group = sums[setup.inputs.groups[static_cast<std::size_t>(m.prompt)]];
        of_group.resize(static_cast<std::size_t>(1 + c.num_layers * c.num_experts));
        of_group[static_cast<std::size_t>(m.variant)] += m.margin;
        std::int64_t const row = row_of.at(m.prompt);
        if (m.variant == 0) {
            unedited[static_cast<std::size_t>(row)] = m.margin;
            num_prompts[setup.inputs.groups[static_cast<std::size_t>(m.prompt)]] += 1;
        } else {
            change.at(row, (m.variant - 1) / c.num_experts, (m.variant - 1) % c.num_experts) =
                m.margin - unedited[static_cast<std::size_t>(row)];
        }
    }
    CsvTable table{"screen", {"layer", "expert", "group", "margin", "change"}, {}};
    for (auto const& [group, of_group] : sums) {
        double const n = num_prompts[group];
        for (std::int64_t v = 1; v <= c.num_layers * c.num_experts; ++v) {
            double const margin = of_group[static_cast<std::size_t>(v)] / n;
            table.add((v - 1) / c.num_experts, (v - 1) % c.num_experts, group, margin, margin - of_group[0] / n);
        }
    }
    run.write_table("screen", table);
    run.write_array("screen_margin_change", change);
}

}  // namespace

void run_screen(Setup const& setup, Mixtral const& model, std::vector<Completion> const& baseline,
                RunSession& session) {
    auto const& [inputs, config, layout, machine] = setup;
    ScreenSpec const& screen = inputs.job.sweep.screen;
    Openers openers;
    bool const is_readable = file_kind(inputs.job.model.path / "tokenizer.model") != FileKind::missing;
    if (layout.is_final_rank() && is_readable) openers = choose_openers(setup, baseline);
    layout.world.broadcast_value(openers, layout.final_rank());
    if (openers.refusals.empty() || openers.compliances.empty()) {
        if (layout.world.rank() == 0) {
            warn("the screen is left out: {}",
                 is_readable
                     ? "without edits the model always refuses or never does, so it has no openings of one kind: name "
                       "[sweep.screen] refusals and compliances"
                     : "the checkpoint has no tokenizer to read refusals by");
        }
        return;
    }
    std::vector<std::int64_t> rows;
    for (std::string const& group : inputs.job.sweep.prompts) {
        auto of_group = rows_of_groups(inputs, {group});
        if (screen.limit > 0 && static_cast<std::int64_t>(of_group.size()) > screen.limit)
            of_group.resize(static_cast<std::size_t>(screen.limit));
        rows.insert(rows.end(), of_group.begin(), of_group.end());
    }
    RouterEdits const edits = single_experts(config, screen.mode);
    session.expect("margin", edits.num_variants() * std::ssize(rows));
    Progress progress(RunPhase::screen, "passes", layout.world, counts_as(layout));
    SweepContext const context{model,
                               layout,
                               edits,
                               inputs.token_ids,
                               inputs.job.signals.batch_tokens,
                               [&](std::int64_t done, std::int64_t all) { progress.update(done, all); },
                               &session.ledger(),
                               stop_request};
    auto const margins = refusal_margins(context, rows, openers, static_cast<std::int32_t>(edits.num_variants()));
    progress.finish();
    if (session.folder()) write_screen(setup, rows, margins, *session.folder());
}

}  // namespace gatesweep
