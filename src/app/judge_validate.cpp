#include "commands.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "gatesweep/base/log.h"
#include "gatesweep/base/words.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/label/labelling.h"
#include "gatesweep/run/job_serialization.h"
#include "gatesweep/run/machine.h"
#include "gatesweep/run/setup.h"
#include "text_columns.h"

namespace gatesweep {
namespace {

Job read_job(Options const& options, Communicator const& world) {
    Job job;
    if (world.rank() == 0) {
        job = load_job(options.job, options.overrides);
        if (!options.labelled_file.empty()) job.sweep.labels.validation = options.labelled_file;
        GATESWEEP_VALIDATE(!job.sweep.labels.validation.empty(), ExitCode::usage,
                           "{}: no file with labels of people is named (nothing to compare the labeller with): set "
                           "sweep.labels.validation, or give --file",
                           options.job.string());
        check_label_inputs(job);
    }
    world.broadcast_value(job, 0);
    use_settings(job.parallel.settings);
    return job;
}

std::string number(double value) {
    return std::isnan(value) ? "-" : fmt::format("{:.4f}", value);
}

std::vector<std::string> row(std::string what, double estimate, Interval const& interval, std::string of) {
    return {std::move(what), number(estimate), number(interval.low), number(interval.high), std::move(of)};
}

std::string table_of(LabelQuality const& q) {
    Agreement const& a = q.agreement;
    auto const rate = [](std::string what, Rate const& r, std::string_view of) {
        return row(std::move(what), r.estimate, r.interval,
                   fmt::format("{} of {} {}", r.num_successes, r.num_trials, of));
    };
    return aligned({{"figure", "estimate", "low", "high", "counted"},
                    rate("precision", a.precision, "that the labeller calls refusals"),
                    rate("recall", a.recall, "refusals"),
                    rate("specificity", a.specificity, "others left alone"),
                    rate("refusal rate by people", a.prevalence, "texts"),
                    rate("refusal rate by the labeller", a.predicted_rate, "texts"),
                    row("kappa", a.kappa.estimate, a.kappa.interval, "agreement beyond chance"),
                    {"all labels equal", number(q.exact_agreement), "", "",
                     std::isnan(q.exact_agreement) ? "the file tells only two apart" : ""}});
}

}  // namespace

void validate_judge(Options const& options, Communicator const& world) {
    Job const job = read_job(options, world);
    LabelsSpec const& labels = job.sweep.labels;
    bool const is_judge = labels.method == LabelMethod::judge;
    ModelConfig config;
    fail_once(world, [&] { config = load_model_config(is_judge ? labels.judge : job.model.path); });
    ParallelLayout const layout = make_parallel_layout(world, 1);  // every rank holds a judge of its own
    Machine const machine = choose_machine(job, config, layout);
    say("labeller", "{}, on {}, {}", is_judge ? "judge " + labels.judge.string() : "phrase rules",
        plural(world.size(), "rank"), machine.describe());
    std::optional<LabelQuality> const quality = measure_labeller(job, machine.device, layout);
    if (!quality || !layout.is_final_rank()) return;
    fmt::print("{} {} on {}: {} compared, {} without a label of the labeller's\n{}", quality->method, quality->version,
               quality->source, plural(quality->num, "text"), quality->num_unscored, table_of(*quality));
    std::fflush(stdout);
}

}  // namespace gatesweep
