#include "plan_harden_memory.h"

#include <algorithm>
#include <numeric>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/model/decoder_layer.h"
#include "gatesweep/model/kv_cache.h"
#include "gatesweep/run/reply_generation.h"

namespace gatesweep {
namespace {

constexpr std::uint64_t panel = 32;  // LinearWeight fills a matrix's sides up to multiples of it
constexpr std::uint64_t logits_at_a_time = std::uint64_t{16} << 20;
constexpr std::uint64_t values_that_travel = std::uint64_t{1} << 18;  // of every rank at a time
constexpr std::uint64_t copies_of_logits = 8;  // of a divergence: both models' and what is computed from them

}  // namespace

HardenMemory harden_memory(HardenWork const& work, Inputs const& inputs, ModelConfig const& config,
                           std::int64_t num_ranks, at::ScalarType dtype) {
    HardenSpec const& spec = inputs.job.harden;
    auto const element = static_cast<std::uint64_t>(c10::elementSize(dtype));
    auto const degree = static_cast<std::uint64_t>(inputs.job.parallel.expert_parallel);
    HardenMemory out;
    auto const largest = static_cast<std::uint64_t>(std::ranges::max(work.arm_values));
    auto const all =
        static_cast<std::uint64_t>(std::accumulate(work.arm_values.begin(), work.arm_values.end(), std::int64_t{0}));
    std::uint64_t const copies = spec.patience > 0 && spec.evaluate > 0 ? 2 : 1;  // with the best
    out.adapters = 4 * all + 4 * largest * (2 + copies - 1);
    // A rank has a row of its own experts for every rank of its group, and so as many values as there are.
    out.gradients = 2 * 8 * largest;
    out.gradients += 8 * static_cast<std::uint64_t>(num_ranks) * std::min(values_that_travel, largest);
    for (std::size_t i = 0; i < work.arm_values.size(); ++i) {
        auto const rank = static_cast<std::uint64_t>(work.arm_ranks[i]);
        std::uint64_t const filled = (rank + panel - 1) / panel * panel;
        out.products =
            std::max(out.products, 4 * static_cast<std::uint64_t>(work.arm_values[i]) / rank * filled / degree);
    }
    auto const layers = static_cast<std::uint64_t>(config.num_layers);
    auto const tokens = static_cast<std::uint64_t>(work.part_tokens);
    std::uint64_t const row = tokens * static_cast<std::uint64_t>(config.hidden_size) * element;
    // With what enters the experts; and as much again for the gradients of the layer that is gone back through.
    std::uint64_t const tape =
        LayerTape::num_bytes(config, work.part_tokens, element) + row * static_cast<std::uint64_t>(config.top_k);
    std::uint64_t const routes =
        spec.gamma > 0.0 ? layers * tokens * static_cast<std::uint64_t>(config.num_experts) * 4 : 0;
    out.tapes_kept = (layers + 1) * tape + 3 * row + routes;
    out.tapes_recomputed = 2 * tape + (layers - 1 + 3) * row + routes;
    out.logits = copies_of_logits * 4 *
                 std::min(logits_at_a_time, static_cast<std::uint64_t>(work.part_rows * config.vocab_size));
    out.file = 4 * largest * (2 + copies);
    out.checkpoint = 4 * largest * copies + 4 * out.file;
    std::int64_t const positions = inputs.max_prompt_tokens() + spec.max_new_tokens;
    std::int64_t const sequences = std::min(max_automatic_slots, (work.base.num_sequences + num_ranks - 1) / num_ranks);
    out.replies = static_cast<std::uint64_t>(sequences) * KvCache::slot_bytes(config, positions, element);
    return out;
}

}  // namespace gatesweep
