#include "commands.h"

#include <optional>

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include "derived_run.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/log.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/label/labelling.h"
#include "gatesweep/run/job_serialization.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/run/stored_replies.h"
#include "gatesweep/run/stored_run.h"
#include "gatesweep/run/work_log.h"
#include "gatesweep/store/completions.h"
#include "gatesweep/sweep/sweep_tables.h"
#include "print_headline.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

// What the final rank knows of the run whose replies are labelled.
struct Relabelling {
    Derivation derivation;
    StoredReplies stored;
};

Relabelling read_relabelling(Options const& options) {
    Derivation derivation = read_derivation(options, "relabel", {"sweep.labels.", "report."});
    check_label_inputs(derivation.job);
    StoredReplies stored = read_stored_replies(derivation.source);
    if (auto const& by = derivation.job.report.by; !by.empty()) stored.metadata.column(by);
    return {std::move(derivation), std::move(stored)};
}

void write_relabelled(Relabelling const& what, LabelledReplies const& labelled, LabellerErrors const& errors,
                      RunDirectory& run) {
    auto const& [derivation, stored] = what;
    std::string lines;
    std::size_t next = 0;
    for_each_line(derivation.source / completions_name, [&](std::string_view line, std::int64_t) {
        lines += relabelled_line(line, to_string(labelled.labels[next].label), labelled.source(next)) + '\n';
        ++next;
    });
    SweepOutcomes const outcomes = stored.outcomes(derivation.job.sweep, labelled.labels);
    write_derived(derivation, {completions_name}, run, [&](RunDirectory& to) {
        to.write_completions(lines);
        write_sweep_tables(stored.sweep.plan, outcomes, errors, derivation.job.report.by, stored.metadata, to);
    });
}

// What a judge says is committed below the target; rules of phrases are faster than that.
Ledger open_verdicts(Job const& job, Machine const& machine, fs::path const& folder, Communicator const& world,
                     int root) {
    if (job.sweep.labels.method != LabelMethod::judge) return {};
    RunIdentity const identity{"", "", "", numerics_id(machine)};  // a verdict's key names the judge
    CommittedWork work;
    fail_once(world, [&] {
        if (world.rank() != root) return;
        create_folder(folder);
        work = read_committed_work(folder, identity);
    });
    return open_ledger(std::move(work), folder, identity, world, root);
}

}  // namespace

void relabel_run(Options const& options, Communicator const& world) {
    ParallelLayout const layout = make_parallel_layout(world, 1);  // every rank holds a judge of its own
    std::optional<Relabelling> what;
    std::optional<RunDirectory> run;
    Job job;
    fail_once(world, [&] {
        if (!layout.is_final_rank()) return;
        what = read_relabelling(options);
        job = what->derivation.job;
        run.emplace(what->derivation.target);
        if (!options.in_place && job.sweep.labels.method == LabelMethod::judge) begin_derived(what->derivation, *run);
    });
    world.broadcast_value(job, layout.final_rank());
    use_settings(job.parallel.settings);
    LabelsSpec const& labels = job.sweep.labels;
    Machine machine;
    if (labels.method == LabelMethod::judge) {
        ModelConfig config;
        fail_once(world, [&] { config = load_model_config(labels.judge); });
        machine = choose_machine(job, config, layout);
    }
    fs::path const target = options.in_place ? options.folder : options.out;
    Ledger verdicts = open_verdicts(job, machine, relabel_log(target), world, layout.final_rank());
    std::vector<Reply> const replies = what ? what->stored.replies() : std::vector<Reply>();
    LabelledReplies const labelled = label_replies(labels, machine.device, layout, replies, {verdicts, {}});
    LabellerErrors const errors = {measure_labeller(job, machine.device, layout),
                                   labeller_beside_people(labels, replies, labelled)};
    std::vector<std::string> changes;
    fail_once(world, [&] {
        if (!what) return;
        write_relabelled(*what, labelled, errors, *run);
        changes = what->derivation.changes;
    });
    world.broadcast_value(changes, layout.final_rank());
    say_changes(changes);
    if (world.rank() == 0) print_headline(target);
    say("report", (target / "report.html").string());
}

}  // namespace gatesweep
