#include "gatesweep/run/screen.h"

#include <algorithm>
#include <boost/serialization/vector.hpp>

#include "gatesweep/analysis/provider_tables.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/stop_request.h"
#include "gatesweep/comm/progress.h"
#include "gatesweep/input/prompt_tokens.h"
#include "gatesweep/label/labelling.h"
#include "gatesweep/sweep/refusal_margins.h"
#include "gatesweep/sweep/single_experts.h"
#include "gatesweep/sweep/sweep_measures.h"

namespace boost::serialization {
template <class Archive>
void serialize(Archive& a, gatesweep::Openers& x, unsigned int) {
    a& x.refusals& x.compliances;
}
}  // namespace boost::serialization

namespace gatesweep {
namespace {

// The model's own openings.
Openers openers_of(Job const& job, std::vector<Completion> const& baseline, Tokenizer const& tokenizer) {
    std::vector<std::string> texts;
    for (Completion const& c : baseline)
        texts.push_back(tokenizer.decode(c.token_ids));
    return frequent_openers(baseline, phrase_labels(job, texts));
}

Openers choose_openers(Setup const& setup, std::vector<Completion> const& baseline) {
    ScreenSpec const& screen = setup.inputs.job.sweep.screen;
    Tokenizer const tokenizer = load_tokenizer(setup.inputs.job.model);
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

}  // namespace

void write_provider_screen(std::vector<ProviderScores> const& providers, NdArray<double> const& margin_change,
                           SweepSpec const& sweep, std::vector<std::string> const& groups, std::int64_t top,
                           RunDirectory& run) {
    if (providers.empty()) return;
    std::vector<std::string> of_rows;
    for (std::int64_t const row : screen_rows(sweep, groups))
        of_rows.push_back(groups[static_cast<std::size_t>(row)]);
    run.write_table("provider_screen", provider_screen_table(providers, screens_by_group(margin_change, of_rows), top));
}

void run_screen(Setup const& setup, Decoder const& model, std::vector<Completion> const& baseline,
                AnalysisResult const* analysis, RunSession& session) {
    auto const& [inputs, config, layout, machine] = setup;
    ScreenSpec const& screen = inputs.job.sweep.screen;
    Openers openers;
    bool const is_readable = has_tokenizer(inputs.job.model);
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
    std::vector<std::int64_t> const rows = screen_rows(inputs.job.sweep, inputs.groups);
    MoeLayers const moe_layers(config.sparse_layers());
    RouterEdits const edits = single_expert_edits(config.num_layers, config.num_experts, screen.mode, moe_layers);
    session.expect(margin_record, edits.num_variants() * std::ssize(rows));
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
    if (!session.folder()) return;
    Screen const result =
        screen_of(margins, rows, inputs.groups, config.num_sparse_layers(), config.num_experts, moe_layers);
    session.folder()->write_table("screen", result.table);
    session.folder()->write_array("screen_margin_change", result.margin_change);
    write_provider_screen(analysis->providers, result.margin_change, inputs.job.sweep, inputs.groups,
                          inputs.job.analysis.top, *session.folder());
}

}  // namespace gatesweep
