#include <fmt/ranges.h>

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <chrono>
#include <map>

#include "analysis_parameters.h"
#include "commands.h"
#include "gatesweep/analysis/analysis.h"
#include "gatesweep/analysis/stored_signals.h"
#include "gatesweep/base/build_config.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/comm/tensor_collectives.h"
#include "gatesweep/report/figures.h"
#include "gatesweep/report/headline.h"
#include "gatesweep/report/html.h"
#include "gatesweep/report/tables.h"
#include "gatesweep/signal/signals.h"
#include "gatesweep/store/run_directory.h"
#include "progress.h"
#include "setup.h"
#include "sweep_phase.h"

namespace gatesweep {
namespace {

class Stopwatch {
public:
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void say_prompts(Inputs const& inputs, BatchPlan const& plan) {
    std::vector<std::string> order;
    std::map<std::string, std::int64_t> sizes;
    for (auto const& group : inputs.groups) {
        if (sizes[group]++ == 0) order.push_back(group);
    }
    std::string groups;
    for (auto const& group : order) groups += fmt::format("{}{} {}", groups.empty() ? "" : ", ", sizes[group], group);
    auto const& first = inputs.token_ids.front();
    std::vector<std::int32_t> const shown(first.begin(), first.begin() + std::min<std::size_t>(first.size(), 8));
    say("prompts", "{}; {} tokens in {}; ids of the first: {}{}", groups, inputs.num_tokens(),
        plural(static_cast<std::int64_t>(plan.batches.size()), "batch"), fmt::join(shown, " "), first.size() > shown.size() ? " ..." : "");
}

// "7.7 MB", or "7.5 to 7.7 MB" where ranks differ.
std::string megabytes(std::vector<std::int64_t> const& bytes) {
    auto const [least, most] = std::minmax_element(bytes.begin(), bytes.end());
    std::string const low = fmt::format("{:.1f}", static_cast<double>(*least) / 1e6), high = fmt::format("{:.1f}", static_cast<double>(*most) / 1e6);
    return low == high ? high + " MB" : fmt::format("{} to {} MB", low, high);
}

AnalysisInput analysis_input(Inputs const& inputs, ModelConfig const& config, Signals const& signals) {
    AnalysisInput input;
    input.prompt_ids = inputs.prompt_ids;
    input.groups = inputs.groups;
    input.num_tokens = inputs.prompt_tokens();
    input.losses = signals.losses.values;
    input.activation_counts = signals.activation_counts;
    input.gradient_scores = signals.gradient_scores;
    input.top_k = config.top_k;
    input.parameters = analysis_parameters(inputs.job.analysis, inputs.marks);
    return input;
}

// Sums of one copy's ranks: dense tensors once, each expert by its owner. Order-free, so every layout agrees.
std::string weights_digest(Weights const& weights, ParallelLayout const& layout) {
    std::uint64_t const mine = weights.expert_digest + (layout.ep_rank() == 0 ? weights.dense_digest : 0);
    return fmt::format("{:016x}", static_cast<std::uint64_t>(layout.expert_parallel.all_reduce_sum(static_cast<std::int64_t>(mine))));
}

}  // namespace

void run_job(Options const& options, Communicator const& world) {
    std::string const started = utc_now();
    Setup const setup = set_up(options, world);
    auto const& [inputs, config, layout, machine] = setup;
    Job const& job = inputs.job;

    std::optional<RunDirectory> run;
    std::int64_t complete = 0;
    if (layout.is_final_rank()) {
        if (is_complete(options.out)) {
            Manifest const manifest = read_manifest(options.out);
            complete = manifest.job_digest == job_digest(job) && manifest.prompts_digest == inputs.prompts_digest ? 1 : 0;
            GATESWEEP_VALIDATE(complete == 1, ExitCode::cannot_create,
                               "{} holds the results of another job or of other prompts (they would be lost): choose another --out, or "
                               "remove the folder",
                               options.out.string());
        }
        if (!complete) run.emplace(options.out);
    }
    if (world.all_reduce_max(complete)) {
        say("complete", "{} holds this job's results already; nothing to do", options.out.string());
        return;
    }

    Stopwatch load_watch;
    std::optional<Checkpoint> opened;
    Weights weights;
    fail_once(world, [&] {
        opened.emplace(job.model.path);
        ExpertLayout const experts = validate_checkpoint(*opened, config);
        validate_memory(machine, layout);
        weights = load_weights(*opened, config, experts, layout.local_experts(config.num_experts), machine.dtype, machine.device);
    });
    Checkpoint const& checkpoint = *opened;
    std::int64_t const new_tokens = job.sweep.enabled ? job.sweep.max_new_tokens : 0;
    auto model = std::make_unique<Mixtral>(config, std::move(weights), layout, inputs.max_prompt_tokens() + new_tokens);
    double const load_seconds = load_watch.seconds();
    std::string const digest_of_weights = weights_digest(model->weights(), layout);
    std::vector<std::int64_t> const bytes_read = world.all_gather(static_cast<std::int64_t>(checkpoint.bytes_read()));
    say("model", "Mixtral, {} layers x {} experts, top-{}, {:.1f} M parameters; each rank read {} in {:.1f} s", config.num_layers,
        config.num_experts, config.top_k, static_cast<double>(config.num_parameters()) / 1e6, megabytes(bytes_read), load_seconds);
    BatchPlan const plan = plan_batches(inputs.prompt_tokens(), job.signals.batch_tokens);
    say_prompts(inputs, plan);

    Progress progress("signals", "tokens", world.rank() == 0);
    Signals signals = compute_signals(*model, layout, inputs.token_ids, plan,
                                      {.tape_memory = machine.tape_memory,
                                       .progress = [&](std::int64_t done, std::int64_t all) { progress.update(done, all); }});
    reduce_to_final_rank(signals, layout);
    double const signals_seconds = progress.seconds();
    std::vector<std::int64_t> const peaks = world.all_gather(peak_memory());

    std::vector<PhaseTiming> timings = {{"load", load_seconds, 0}, {"signals", signals_seconds, inputs.num_tokens()}};
    std::optional<AnalysisInput> input;
    std::optional<AnalysisResult> analysis;
    if (layout.is_final_rank()) {
        Stopwatch analysis_watch;
        run->write_text("job.toml", to_toml(job));
        input = analysis_input(inputs, config, signals);
        run->write_array("activation_counts", signals.activation_counts);
        run->write_array("gradient_scores", signals.gradient_scores);
        analysis = analyze(*input);
        write_tables(*input, *analysis, *run);
        timings.push_back({"analysis", analysis_watch.seconds(), 0});
    }
    if (job.sweep.enabled) {
        auto const sweep_timings = run_sweep(setup, std::move(model), input ? &*input : nullptr, analysis ? &*analysis : nullptr,
                                             run ? &*run : nullptr);
        timings.insert(timings.end(), sweep_timings.begin(), sweep_timings.end());
    }

    std::vector<std::string> lines;
    if (layout.is_final_rank()) {

        Manifest manifest;
        manifest.version = GATESWEEP_VERSION;
        manifest.build = fmt::format("{} {} {}", GATESWEEP_GIT_REVISION, GATESWEEP_BUILD_TYPE, GATESWEEP_COMPILER);
        manifest.versions = {{"libtorch", GATESWEEP_LIBTORCH_VERSION}, {"mpi", mpi_library_version()}, {"nccl", nccl_version()}};
        manifest.host = host_name();
        manifest.command = options.arguments;
        manifest.job = to_toml(job);
        manifest.job_digest = job_digest(job);
        manifest.prompts_digest = inputs.prompts_digest;
        manifest.weights_digest = digest_of_weights;
        manifest.numerics_id = numerics_id(machine);
        manifest.layout = {world.size(), layout.num_copies, job.parallel.expert_parallel, machine.threads,
                           machine.device.is_cuda() ? "cuda" : "cpu", dtype_name(machine.dtype), bytes_read, peaks};
        manifest.started = started;
        manifest.finished = utc_now();
        manifest.attempts = {{started, manifest.finished, manifest.host, world.size(), "complete"}};

        Stopwatch report_watch;
        write_timings(timings, *run);
        run->write_manifest(manifest);
        draw_figures(run->folder());
        write_report_html(run->folder());
        timings.push_back({"report", report_watch.seconds(), 0});
        write_timings(timings, *run);
        run->complete(manifest);
        Headline const result = headline(run->folder());
        lines = {result.analysis, result.marked};
        lines.insert(lines.end(), result.result.begin(), result.result.end());
    }
    world.broadcast_value(lines, layout.final_rank());
    say("analysis", lines[0]);
    if (!lines[1].empty()) say("marked", lines[1]);
    for (std::size_t i = 2; i < lines.size(); ++i) say(i == 2 ? "result" : "", lines[i]);
    say("report", (options.out / "report.html").string());
}

}  // namespace gatesweep
