#include "gatesweep/run/streaming.h"

#include <algorithm>

#include "gatesweep/base/error.h"
#include "gatesweep/base/words.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/model/layer_stream.h"
#include "gatesweep/model/model_size.h"
#include "gatesweep/signal/streamed_signals.h"

namespace gatesweep {
namespace {

// What the job could do instead of holding all weights.
std::string other_ways(Job const& job, std::uint64_t streamed, Machine const& machine) {
    if (streamed > machine.free_memory) return "";
    return job.sweep.enabled
               ? ", or run without the sweep (--set sweep.enabled=false): signals alone can read layer by layer"
               : ", or set signals.stream = \"auto\", which reads layer by layer";
}

}  // namespace

std::string ways_to_fit(ModelConfig const& config, Machine const& machine) {
    int const degree = degree_that_fits(config, machine.free_memory, c10::elementSize(machine.dtype));
    if (degree > 0) {
        auto const bytes =
            weight_bytes(config, ExpertSplit{config.num_experts, degree}.largest(), c10::elementSize(machine.dtype));
        return fmt::format("raise parallel.expert_parallel to {} ({:.1f} GB each, on ranks that have as much as these)",
                           degree, gigabytes(bytes));
    }
    // Every rank holds what is not in experts. Ranks of a node share its memory; a GPU's is its rank's alone.
    return machine.device.is_cuda()
               ? "no parallel.expert_parallel fits: use GPUs with more memory, or device = \"cpu\""
               : "no parallel.expert_parallel fits: start fewer ranks on a node, or use a machine with more memory";
}

Streaming choose_streaming(Job const& job, ModelConfig const& config, ParallelLayout const& layout,
                           Machine const& machine) {
    std::uint64_t const streamed =
        LayerStream::num_bytes(config, layout.local_experts(config.num_experts).count, c10::elementSize(machine.dtype));
    bool const fit_here = machine.weight_memory <= machine.free_memory;
    bool const fit = layout.world.all_reduce_min(fit_here ? 1 : 0) == 1;
    bool const may_stream = job.signals.stream != StreamMode::never && !job.sweep.enabled && !job.harden.enabled;
    bool const wanted = may_stream && (job.signals.stream == StreamMode::always || !fit);
    fail_once(layout.world, [&] {
        bool const enough = wanted ? streamed <= machine.free_memory : fit_here;
        GATESWEEP_VALIDATE(enough, ExitCode::unavailable,
                           "the weights need {:.1f} GB on each rank ({:.1f} GB layer by layer), but {:.1f} GB of {} "
                           "memory are free for "
                           "each (with {} on this node): {}{}",
                           gigabytes(machine.weight_memory), gigabytes(streamed), gigabytes(machine.free_memory),
                           machine.device.is_cuda() ? "device" : "host", layout.node.size(),
                           ways_to_fit(config, machine), other_ways(job, streamed, machine));
    });
    if (!wanted) return {};

    // Half of what is left may hold layer inputs, the rest is for work.
    std::uint64_t const host = available_memory(at::kCPU, layout.node.size());
    std::uint64_t const left = machine.device.is_cuda() ? host : host - std::min(host, streamed);
    std::uint64_t const budget = job.signals.memory > 0 ? job.signals.memory : left / 2;
    Streaming streaming{true, streamed, budget};
    streaming.activation_memory =
        static_cast<std::uint64_t>(layout.world.all_reduce_min(static_cast<std::int64_t>(budget)));
    return streaming;
}

std::int64_t num_stream_chunks(ModelConfig const& config, BatchPlan const& plan,
                               std::vector<std::int64_t> const& prompt_tokens, int num_copies, int ep_size,
                               at::ScalarType dtype, std::uint64_t activation_memory) {
    std::uint64_t const per_token = StreamedDecoder::bytes_per_token(config, c10::elementSize(dtype));
    return std::ssize(stream_chunks(plan, prompt_tokens, num_copies, ep_size,
                                    static_cast<std::int64_t>(activation_memory / per_token)));
}

std::uint64_t streamed_bytes(ModelConfig const& config, int ep_size, std::int64_t num_chunks) {
    bool const is_short = config.stored_dtype == "bfloat16" || config.stored_dtype == "float16";
    return LayerStream::bytes_read(config, ExpertSplit{config.num_experts, ep_size}.largest(), is_short ? 2 : 4,
                                   num_chunks);
}

std::string streaming_text(std::uint64_t bytes, std::int64_t num_chunks) {
    return fmt::format("each rank reads about {} from disk{}", bytes_text(bytes),
                       num_chunks == 1 ? "" : fmt::format(", for {} chunks of prompts", num_chunks));
}

}  // namespace gatesweep
