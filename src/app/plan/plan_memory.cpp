#include "plan_memory.h"

#include <algorithm>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/model/decoder_layer.h"
#include "gatesweep/model/kv_cache.h"
#include "gatesweep/model/model_size.h"
#include "gatesweep/model/streamed_decoder.h"

namespace gatesweep {

RankMemory rank_memory(Inputs const& inputs, ModelConfig const& config, BatchPlan const& plan, int expert_parallel,
                       at::ScalarType dtype) {
    std::size_t const element = c10::elementSize(dtype);
    std::vector<std::int64_t> const tokens = inputs.prompt_tokens();
    RankMemory out;
    std::int64_t const experts = ExpertSplit{config.num_experts, expert_parallel}.largest();
    out.weights = weight_bytes(config, experts, element);
    for (auto const& batch : plan.batches) {
        for (auto const& prompts : spread_over_ranks(batch, tokens, expert_parallel)) {
            std::int64_t sum = 0;
            for (auto p : prompts)
                sum += tokens[static_cast<std::size_t>(p)];
            out.batch_tokens = std::max(out.batch_tokens, sum);
        }
    }
    out.sweep_tokens = inputs.job.signals.batch_tokens;
    auto const layers = static_cast<std::uint64_t>(config.num_layers);
    std::uint64_t const tape = LayerTape::num_bytes(config, out.batch_tokens, element);
    out.tapes_kept = layers * tape;
    out.tapes_recomputed =
        tape + (layers - 1) * static_cast<std::uint64_t>(out.batch_tokens * config.hidden_size) * element;
    out.streamed_weights = LayerStream::num_bytes(config, experts, element);
    out.streamed_inputs = StreamedDecoder::bytes_per_token(config, element);
    out.streamed_tape = tape;
    if (inputs.job.sweep.enabled) {
        std::int64_t const positions = inputs.max_prompt_tokens() + inputs.job.sweep.max_new_tokens;
        out.cache_slot = KvCache::slot_bytes(config, positions, element);
    }
    auto const cells = static_cast<std::uint64_t>(config.num_sparse_layers() * config.num_experts);
    out.arrays = inputs.groups.size() * (2 * cells + 1) * 8;
    return out;
}

}  // namespace gatesweep
