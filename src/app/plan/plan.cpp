#include "app/commands.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>

#include "app/text_columns.h"
#include "gatesweep/analysis/power.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/words.h"
#include "gatesweep/input/checkpoint.h"
#include "gatesweep/model/adapter_files.h"
#include "gatesweep/model/checkpoint_layout.h"
#include "gatesweep/model/model_size.h"
#include "gatesweep/run/audit_plan.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/run/streaming.h"
#include "gatesweep/signal/batch_plan.h"
#include "gatesweep/sweep/sweep_bound.h"
#include "plan_harden.h"
#include "plan_harden_memory.h"
#include "plan_harden_time.h"
#include "plan_memory.h"
#include "plan_submit.h"
#include "plan_sweep.h"
#include "plan_time.h"
#include "plan_time_text.h"

namespace gatesweep {
namespace {

using Rows = std::vector<std::vector<std::string>>;

void print(std::string_view topic, std::string_view text) {
    fmt::print("{:<9} {}\n", topic, text);
}

std::string prompts_table(Inputs const& inputs) {
    std::vector<std::string> order;
    std::map<std::string, std::vector<std::int64_t>> tokens;
    for (std::size_t p = 0; p < inputs.groups.size(); ++p) {
        if (!tokens.contains(inputs.groups[p])) order.push_back(inputs.groups[p]);
        tokens[inputs.groups[p]].push_back(std::ssize(inputs.token_ids[p]));
    }
    Rows rows = {{"group", "prompts", "tokens", "shortest", "longest", "generated on"}};
    for (auto const& group : order) {
        auto const& counts = tokens[group];
        std::int64_t sum = 0;
        for (auto count : counts)
            sum += count;
        auto const [low, high] = std::minmax_element(counts.begin(), counts.end());
        bool const generated = inputs.job.sweep.enabled && inputs.job.sweep.watches(group);
        rows.push_back({printable(group), std::to_string(counts.size()), std::to_string(sum), std::to_string(*low),
                        std::to_string(*high), generated ? "yes" : "no"});
    }
    return aligned(rows);
}

void print_layout(Job const& job, BatchPlan const& plan, std::int64_t num_ranks) {
    std::int64_t const copies = num_ranks / job.parallel.expert_parallel;
    auto const num_batches = static_cast<std::int64_t>(plan.batches.size());
    std::int64_t const most = (num_batches + copies - 1) / copies;
    print("layout",
          fmt::format(
              "{} = {} x expert parallel {}; {} of at most {} tokens, up to {} on a copy{}", plural(num_ranks, "rank"),
              copies == 1 ? "1 copy" : fmt::format("{} copies", copies), job.parallel.expert_parallel,
              num_batches == 1 ? "1 batch" : fmt::format("{} batches", num_batches), plan.max_batch_tokens, most,
              copies > num_batches ? " (more copies than batches: some idle; lower signals.batch_tokens)" : ""));
}

// Each text once forth, where a prompt of the signals goes forth and back.
void print_audit(AuditPlan const& audit) {
    print("audit",
          fmt::format("{} of {}, {} tokens to read beside the signals", plural(std::ssize(audit.pairs), "pair"),
                      plural(std::ssize(audit.texts), "text"), audit.num_tokens()));
}

bool may_stream(Job const& job) {
    return job.signals.stream != StreamMode::never && !job.sweep.enabled && !job.harden.enabled;
}

void add_streamed_memory(Rows& rows, Job const& job, RankMemory const& m) {
    bool const always = job.signals.stream == StreamMode::always;
    rows.push_back({always ? "weights" : "or streamed: weights", bytes_text(m.streamed_weights),
                    fmt::format("two layers at a time{}", always ? "" : ", when all of them do not fit")});
    rows.push_back(
        {"  activations", bytes_text(m.streamed_tape), fmt::format("{} tokens in one layer", m.batch_tokens)});
    rows.push_back({"  layer inputs", bytes_text(m.streamed_inputs) + " a token",
                    "of the prompts streamed together (host memory); in chunks when it is short"});
}

// What latent attention could keep instead is said, since others do.
std::string cache_text(ModelConfig const& config) {
    if (!config.latent) return "";
    std::int64_t const kept = 2 * config.num_kv_heads * config.head_dim,
                       latent = config.latent->key_value_rank + config.latent->rotated_dim;
    return fmt::format("; whole ones of every head, {:.1f} times their latents",
                       static_cast<double>(kept) / static_cast<double>(latent));
}

void print_memory(Job const& job, ModelConfig const& config, RankMemory const& m) {
    Rows rows = {{"each rank holds", "size", "of what"}};
    if (job.signals.stream != StreamMode::always) {
        rows.push_back({"weights", bytes_text(m.weights), "its share of the experts, and everything else"});
        rows.push_back({"activations, kept", bytes_text(m.tapes_kept),
                        fmt::format("{} tokens through all layers, for the backward pass", m.batch_tokens)});
        rows.push_back({"  or computed twice", bytes_text(m.tapes_recomputed),
                        "the least: when the others do not fit, at the price of time"});
    }
    if (may_stream(job)) add_streamed_memory(rows, job, m);
    rows.push_back({"arrays", bytes_text(m.arrays), "counts and scores of all prompts (host memory)"});
    if (m.cache_slot > 0) {
        std::string const slots = job.sweep.slots > 0 ? std::to_string(job.sweep.slots) : "1 to 256, as memory allows";
        rows.push_back({"keys and values", bytes_text(m.cache_slot),
                        fmt::format("each sequence decoded at once; {}{}", slots, cache_text(config))});
    }
    fmt::print("\n{}", aligned(rows));
}

// What a rank reads is known where the job says how much may wait in memory.
void print_streaming(Inputs const& inputs, ModelConfig const& config, BatchPlan const& plan, std::int64_t num_ranks,
                     at::ScalarType dtype) {
    Job const& job = inputs.job;
    int const degree = job.parallel.expert_parallel;
    std::int64_t const num_chunks = job.signals.memory > 0 ? num_stream_chunks(config, plan, inputs.prompt_tokens(),
                                                                               static_cast<int>(num_ranks) / degree,
                                                                               degree, dtype, job.signals.memory)
                                                           : 1;
    print("streaming",
          fmt::format("{}{}{}", job.signals.stream == StreamMode::always ? "" : "where weights do not fit ",
                      streaming_text(streamed_bytes(config, degree, num_chunks), num_chunks),
                      job.signals.memory > 0 ? "" : ", again for each chunk of prompts that memory holds"));
}

void print_work(SweepWork const& w, bool is_exact) {
    print("", fmt::format("{}{} x {} = {} to generate: {} prompt tokens (less where trials share a prompt's "
                          "beginning), at most {} new ones",
                          is_exact ? "" : "at most ", plural(w.num_trials, "trial"), plural(w.num_prompts, "prompt"),
                          plural(w.num_sequences, "sequence"), w.prompt_tokens, w.max_new_tokens));
    if (w.max_text_tokens > 0)
        print("", fmt::format("at most {} tokens of watched prompts and answers to read for perplexity",
                              w.max_text_tokens));
    if (w.num_screened > 0)
        print(
            "screen",
            fmt::format("{} alone x {}, with every opening: at most {} tokens, each through the layers from "
                        "its expert's on",
                        plural(w.num_screened, "expert"), plural(w.num_screen_prompts, "prompt"), w.max_screen_tokens));
}

// Labels change on some prompts either way; the fewer do for nothing, the fewer prompts tell.
std::string power_table() {
    constexpr std::array discordant = {0.05, 0.10, 0.20, 0.30, 0.50};
    Rows rows = {{"difference"}};
    for (double share : discordant)
        rows[0].push_back(fmt::format("{:.0f} %", 100 * share));
    for (double points : {0.05, 0.10, 0.20}) {
        rows.push_back({fmt::format("{:.0f} points", 100 * points)});
        for (double share : discordant) {
            auto const needed = pairs_needed(points, share);
            rows.back().push_back(needed ? std::to_string(*needed) : "-");
        }
    }
    return aligned(rows);
}

// --ranks, else the cluster's, else those that the command is started over, else one copy's.
std::int64_t ranks_of(Options const& options, Job const& job, std::optional<Cluster> const& cluster, int started_over) {
    std::int64_t const degree = job.parallel.expert_parallel;
    std::int64_t const ranks = options.num_ranks > 0 ? options.num_ranks
                               : cluster             ? cluster->num_ranks()
                               : started_over > 1    ? started_over
                                                     : degree;
    GATESWEEP_VALIDATE(
        ranks % degree == 0, ExitCode::job,
        "{} {}: is not a multiple of parallel.expert_parallel = {} (every copy of the model needs so many): "
        "change one of them",
        options.num_ranks > 0 || cluster ? "--ranks" : "ranks started:", ranks, degree);
    GATESWEEP_VALIDATE(
        !cluster || ranks == cluster->num_ranks(), ExitCode::job,
        "--ranks {}: but {} has {} x {} ranks (times are predicted for all of them): leave out --ranks, or "
        "correct the file",
        ranks, options.cluster.string(), cluster->nodes, cluster->ranks_per_node);
    return ranks;
}

// Says what the run would end with.
void warn_of_end(std::function<void()> const& read) {
    try {
        read();
    } catch (Error const& error) {
        warn("the run would end here: {}", error.what());
    }
}

// A job may be planned where only the small files of a checkpoint are: then nothing is said of the weights.
void warn_of_weights(ModelConfig const& config, std::filesystem::path const& folder) {
    auto const files = list_folder(folder);
    if (std::none_of(files.begin(), files.end(), [](auto const& file) { return file.extension() == ".safetensors"; }))
        return;
    warn_of_end([&] {
        Checkpoint const checkpoint(folder);
        for (auto const& notice : checkpoint.notices())
            warn(notice);
        validate_checkpoint(checkpoint, config);
    });
}

}  // namespace

void plan_job(Options const& options, int num_ranks_started) {
    Inputs const inputs = read_inputs(options, Communicator());
    Job const& job = inputs.job;
    ModelConfig const config = load_model_config(job.model.path);
    validate_model(job, config);
    warn_of_weights(config, job.model.path);
    std::optional<Cluster> cluster;
    if (!options.cluster.empty()) cluster = read_cluster(options.cluster);
    std::int64_t const num_ranks = ranks_of(options, job, cluster, num_ranks_started);
    at::ScalarType const dtype = choose_dtype(job.model.dtype, config);
    BatchPlan const plan = plan_batches(inputs.prompt_tokens(), job.signals.batch_tokens);

    print("model", fmt::format("{}, {} x {} experts, top-{}, {:.1f} M parameters, {}", family_title(config),
                               layers_text(config), config.num_experts, config.top_k,
                               static_cast<double>(num_parameters(config)) / 1e6, dtype_name(dtype)));
    if (!job.model.adapter.empty()) {
        if (job.harden.enabled)
            warn(
                "gatesweep harden would end here: the job has [model] adapter (a new adapter is for the checkpoint as "
                "it stands): make a checkpoint of the two with gatesweep merge, and name that one");
        warn_of_end([&] {
            print("adapter", fmt::format("{}: {}", job.model.adapter.string(),
                                         adapter_text(read_adapter(job.model.adapter, config))));
        });
    }
    print("prompts", fmt::format("{}, {} tokens", inputs.groups.size(), inputs.num_tokens()));
    if (job.audit.is_wanted()) print_audit(plan_audit(inputs));
    print_layout(job, plan, num_ranks);
    fmt::print("\n{}", prompts_table(inputs));
    RankMemory memory = rank_memory(inputs, config, plan, job.parallel.expert_parallel, dtype);
    print_memory(job, config, memory);
    fmt::print("\n");
    if (may_stream(job)) print_streaming(inputs, config, plan, num_ranks, dtype);
    std::int64_t tokens_at_rate = inputs.num_tokens();
    SweepWork work;
    if (job.sweep.enabled) {
        bool const is_exact = !options.out.empty();
        if (is_exact) {
            TrialPlan const trials = plan_from_run(inputs, config, options.out);
            print("sweep", exact_text(trials));
            for (auto const& notice : trials.notices)
                warn(notice);
            work = sweep_work(inputs, config, std::ssize(trials.trials));
            std::int64_t const recorded = recorded_replies(inputs, config, trials, options.out);
            print("new", fmt::format("{} of {} replies; {} are recorded in {}", work.num_sequences - recorded,
                                     work.num_sequences, recorded, (options.out / "log").string()));
        } else {
            print("sweep", bound_text(job.sweep, config));
            work = sweep_work(inputs, config,
                              sweep_bound(job.sweep, config.num_sparse_layers() * config.num_experts).max_trials());
        }
        print_work(work, is_exact);
        tokens_at_rate = work.max_new_tokens;
    }
    if (!job.sweep.enabled) print("sweep", "none: the job has no [sweep] section");
    std::optional<HardenWork> hardening;
    if (job.harden.enabled) {
        hardening = harden_work(inputs, config);
        print("harden", harden_text(*hardening, job.harden));
        HardenMemory const needs = harden_memory(*hardening, inputs, config, num_ranks, dtype);
        memory.hardening = std::max(needs.step(false), needs.save());
        fmt::print("\n{}\n", harden_table(needs, *hardening, memory));
    }
    double const seconds = options.token_rate > 0 ? static_cast<double>(tokens_at_rate) / options.token_rate : 0.0;
    if (seconds > 0)
        print("time", fmt::format("{} at {:g} tokens/s take {}{}", job.sweep.enabled ? "new tokens" : "signals",
                                  options.token_rate, job.sweep.enabled ? "at most " : "", duration_text(seconds)));
    if (cluster) {
        SignalWork const signals =
            busiest_copy(plan, inputs.prompt_tokens(), static_cast<int>(num_ranks / job.parallel.expert_parallel));
        print("machine", cluster_text(options.cluster, *cluster));
        TimePlan times = plan_time(*cluster, config, job.parallel.expert_parallel, memory, c10::elementSize(dtype),
                                   signals, work, job.sweep.max_new_tokens, job.sweep.slots);
        if (hardening) add_hardening(times, *cluster, config, job, *hardening, memory, c10::elementSize(dtype));
        fmt::print("\n{}\n{}\n", time_table(times), fit_text(*cluster, memory, job.sweep.slots));
    }
    fmt::print(
        "\nprompts needed to see a change of the refusal rate at 80 % power (paired, two-sided 5 %),\n"
        "by the share of prompts whose label changes either way:\n{}\n",
        power_table());
    print("submit", sbatch_line(options, job, num_ranks, memory, seconds));
}

}  // namespace gatesweep
