#include "gatesweep/run/loaded_model.h"

#include <algorithm>

#include "gatesweep/base/activity.h"
#include "gatesweep/base/heap.h"
#include "gatesweep/base/log.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/model/adapter_files.h"
#include "gatesweep/model/checkpoint_layout.h"
#include "gatesweep/model/model_size.h"
#include "gatesweep/run/same_everywhere.h"
#include "gatesweep/run/stopwatch.h"

namespace gatesweep {
namespace {

// "7.7 MB", or "7.5 to 7.7 MB" where ranks differ.
std::string megabytes(std::vector<std::int64_t> const& bytes) {
    auto const [least, most] = std::minmax_element(bytes.begin(), bytes.end());
    std::string const low = fmt::format("{:.1f}", static_cast<double>(*least) / 1e6),
                      high = fmt::format("{:.1f}", static_cast<double>(*most) / 1e6);
    return low == high ? high + " MB" : fmt::format("{} to {} MB", low, high);
}

// Sums of one copy's ranks: dense tensors once, each expert by its owner. Order-free, so every layout agrees.
std::string whole_digest(WeightDigests const& digests, ParallelLayout const& layout) {
    std::uint64_t const mine = digests.experts + (layout.ep_rank() == 0 ? digests.dense : 0);
    return fmt::format(
        "{:016x}", static_cast<std::uint64_t>(layout.expert_parallel.all_reduce_sum(static_cast<std::int64_t>(mine))));
}

}  // namespace

LoadedModel::LoadedModel(Setup const& setup) {
    auto const& [inputs, config, layout, machine] = setup;
    Job const& job = inputs.job;
    enter_phase(RunPhase::load);
    Stopwatch const watch;
    WeightSource source{nullptr,       &config,       nullptr, layout.local_experts(config.num_experts),
                        machine.dtype, machine.device};
    fail_once(layout.world, [&] {
        checkpoint_.emplace(job.model.path);
        source.checkpoint = &*checkpoint_;
        source.map = std::make_shared<WeightMap const>(validate_checkpoint(*checkpoint_, config));
        source.adapter = read_optional_adapter(job.model.adapter, config);
    });
    if (layout.world.rank() == 0) {
        for (auto const& notice : checkpoint_->notices())
            warn(notice);
    }
    if (source.adapter) say("adapter", "{}: {}", job.model.adapter.string(), adapter_text(*source.adapter));
    streaming_ = choose_streaming(job, config, layout, machine);
    WeightDigests digests;
    if (streaming_.enabled) {
        // Read once before anything is computed: what is committed must be known to be of these weights.
        streamed_.emplace(source, layout, inputs.max_tokens());
        streamed_->read_all();
        digests = streamed_->digests();
    } else {
        Weights weights;
        fail_once(layout.world, [&] { weights = load_weights(source); });
        digests = weights.digests;
        keep_freed_memory();
        std::int64_t const new_tokens = std::max(job.sweep.enabled ? job.sweep.max_new_tokens : 0,
                                                 job.harden.enabled ? job.harden.max_new_tokens : 0);
        resident_ = std::make_unique<Decoder>(config, std::move(weights), layout, inputs.max_tokens() + new_tokens);
    }
    require_same_weights(layout, digests);
    digest_ = whole_digest(digests, layout);
    seconds_ = watch.seconds();
    say("model", "{}, {} x {} experts, top-{}, {:.1f} M parameters; each rank read {} in {:.1f} s",
        family_title(config), layers_text(config), config.num_experts, config.top_k,
        static_cast<double>(num_parameters(config)) / 1e6, megabytes(layout.world.all_gather(bytes_read())), seconds_);
}

}  // namespace gatesweep
