#include "commands.h"

#include <boost/serialization/string.hpp>
#include <boost/serialization/utility.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/analysis/stored_signals.h"
#include "gatesweep/analysis/tables.h"
#include "gatesweep/base/activity.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/comm/watchdog.h"
#include "gatesweep/model/adapter_files.h"
#include "gatesweep/model/merge.h"
#include "gatesweep/report/figures.h"
#include "gatesweep/report/html.h"
#include "gatesweep/run/audit_phase.h"
#include "gatesweep/run/determinism.h"
#include "gatesweep/run/harden_phase.h"
#include "gatesweep/run/loaded_model.h"
#include "gatesweep/run/pairs_phase.h"
#include "gatesweep/run/run_session.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/run/signals_phase.h"
#include "gatesweep/run/stopwatch.h"
#include "gatesweep/run/sweep_phase.h"
#include "gatesweep/store/run_directory.h"
#include "gatesweep/store/timings.h"
#include "print_headline.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

AnalysisInput analysis_input(Inputs const& inputs, ModelConfig const& config, Signals const& signals,
                             std::optional<PairsPhase> const& pairs, std::optional<AuditPhase> const& audit) {
    AnalysisInput input;
    input.prompt_ids = inputs.prompt_ids;
    input.groups = inputs.groups;
    input.num_tokens = inputs.prompt_tokens();
    input.losses = signals.losses.values;
    input.metadata = inputs.metadata;
    input.activation_counts = signals.activation_counts;
    input.gradient_scores = signals.gradient_scores;
    input.measures = signals.measures;
    if (pairs) input.pairs = pair_input(pairs->measured);
    if (audit) input.audit = audit->measured;
    input.imported = inputs.imported;
    input.moe_layers = signals.moe_layers;
    input.top_k = config.top_k;
    input.parameters = inputs.job.analysis;
    input.scores = inputs.job.scores;
    input.marks = inputs.marks;
    return input;
}

// Arrays and tables of the signals. Final rank.
AnalysisResult analyse(AnalysisInput const& input, RunDirectory& run) {
    write_measured(input, run);
    AnalysisResult analysis = analyze(input);
    write_tables(input, analysis, run);
    return analysis;
}

void write_report(RunSession& session, std::vector<PhaseTiming>& timings) {
    RunDirectory& run = *session.folder();
    Stopwatch watch;
    write_timings(timings, run);
    session.end("complete");  // the report tells of it
    draw_figures(run.folder());
    write_report_html(run.folder());
    timings.push_back({"report", watch.seconds(), 0});
    write_timings(timings, run);
    run.complete(session.manifest());
}

void run_phases(Setup const& setup, RunSession& session) {
    auto const& [inputs, config, layout, machine] = setup;
    LoadedModel loaded(setup);
    session.open_ledger(loaded.digest());
    if (session.was_complete()) return;

    MeasuredSignals const measured = measure_signals(setup, loaded, session);
    session.manifest().determinism = check_determinism(setup, loaded.resident(), measured.signals, measured.wanted);
    session.manifest().layout.bytes_read = layout.world.all_gather(loaded.bytes_read());
    session.manifest().layout.peak_memory = layout.world.all_gather(peak_memory());
    std::vector<PhaseTiming> timings = {{"load", loaded.seconds(), 0}, measured.timing};
    std::optional<PairsPhase> const pairs = measure_pairs(setup, loaded, session);
    if (pairs) timings.push_back(pairs->timing);
    std::optional<AuditPhase> const audit = measure_audit(setup, loaded, session);
    if (audit) timings.push_back(audit->timing);
    enter_phase(RunPhase::analysis);
    std::optional<AnalysisInput> input;
    std::optional<AnalysisResult> analysis;
    if (layout.is_final_rank()) {
        Stopwatch watch;
        input = analysis_input(inputs, config, measured.signals, pairs, audit);
        analysis = analyse(*input, *session.folder());
        if (pairs) write_pairs(inputs, pairs->measured, input->pairs.counts, *session.folder());
        if (audit) session.folder()->write_table("audit_pairs", audit->pairs);
        session.folder()->write_table("near_ties", near_tie_table(measured.signals, inputs.num_tokens()));
        timings.push_back({"analysis", watch.seconds(), 0});
    }
    if (inputs.job.harden.enabled) {
        auto const harden_timings = run_harden(setup, loaded, session, analysis ? &*analysis : nullptr);
        timings.insert(timings.end(), harden_timings.begin(), harden_timings.end());
        session.manifest().layout.peak_memory = layout.world.all_gather(peak_memory());
    }
    if (inputs.job.sweep.enabled) {
        auto const sweep_timings =
            run_sweep(setup, loaded.give_up(), session, input ? &*input : nullptr, analysis ? &*analysis : nullptr);
        timings.insert(timings.end(), sweep_timings.begin(), sweep_timings.end());
    }
    enter_phase(RunPhase::report);
    if (layout.is_final_rank()) write_report(session, timings);
}

// The whole checkpoint with the adapter added.
void merge_hardened(Setup const& setup, Options const& options) {
    fs::path const& model = setup.inputs.job.model.path;
    merge_checkpoint(model, read_adapter(options.out / "adapter", setup.config), options.merge);
}

// What went wrong matters more than writing down that it did.
void end_quietly(RunSession& session, std::string const& outcome) {
    try {
        session.end(outcome);
    } catch (Error const&) {
    }
}

}  // namespace

void run_job(Options const& options, Communicator const& world) {
    JobRequest request = options;
    request.use = options.command == Command::harden ? JobUse::hardens : JobUse::runs;
    Setup const setup = set_up(request, world);
    RunSession session(request, setup);
    share_pulses(options.out / "log");
    try {
        run_phases(setup, session);
    } catch (Error const& error) {
        end_quietly(session, error.code() == ExitCode::stopped ? "stopped" : error.what());
        throw;
    }
    if (session.was_complete()) {
        say("complete", "{} holds this job's results already; nothing to do", options.out.string());
        return;
    }
    fail_once(world, [&] {
        if (!options.merge.empty() && setup.layout.is_final_rank()) merge_hardened(setup, options);
    });
    std::vector<std::pair<std::string, std::string>> lines;
    if (setup.layout.is_final_rank()) lines = headline_lines(options.out);
    world.broadcast_value(lines, setup.layout.final_rank());
    for (auto const& [topic, text] : lines)
        say(topic, text);
    say("report", (options.out / "report.html").string());
}

}  // namespace gatesweep
